"""Parts of U-Nets as those of OASIS's discriminator."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.models.initialization import convolution
from oasis.models.resampling import convolve_and_halve, double_and_convolve

_WIDEST = 4  # times the base width


def unet_widths(channels: int, count: int) -> list[int]:
    """The widths of OASIS's U-Net at half, quarter, ... of the size: 1, 1, 2, 2, 4, 4, 4, ... times `channels`."""
    return [channels * min(_WIDEST, 2 ** (i // 2)) for i in range(count)]


class SkipDecoder(nn.ModuleList):
    """Residual blocks that double the size, each but the first beside an encoder's features at its size.

    Args:
        widths: channels of the encoder's features from half of the size to the smallest.
        out_channels: of the result.
        spectral_norm: whether the convolutions have a spectral norm.
        merge_resampling: see `UpBlock`.

    Source: Sushko et al. 2021, table B.
    """

    def __init__(
        self, widths: Sequence[int], out_channels: int, *, spectral_norm: bool, merge_resampling: bool = True
    ) -> None:
        inputs = [widths[-1], *(2 * width for width in widths[-2::-1])]
        outputs = [*widths[-2::-1], out_channels]
        super().__init__(
            UpBlock(before, after, spectral_norm=spectral_norm, merge_resampling=merge_resampling)
            for before, after in zip(inputs, outputs, strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features of (B, width, H / 2, W / 2) and so on, the largest first, to (B, out_channels, H, W)."""
        deepest, *blocks = self
        x: Tensor = deepest(features[-1])
        for block, skip in zip(blocks, features[-2::-1], strict=True):
            x = block(torch.cat([skip, x], dim=1))
        return x


class DownBlock(nn.Module):
    """A residual block that halves height and width.

    Args:
        in_channels: C, of x.
        out_channels: D, of the result and in the middle.
        first: whether x is the picture itself, to which no activation is applied.
        spectral_norm: whether the convolutions have a spectral norm.
        merge_resampling: whether the last convolution also halves the size.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        first: bool,
        spectral_norm: bool,
        merge_resampling: bool = False,
    ) -> None:
        super().__init__()
        self.first = first
        self.merge_resampling = merge_resampling
        self.conv_1 = convolution(in_channels, out_channels, spectral_norm=spectral_norm)
        self.conv_2 = convolution(out_channels, out_channels, spectral_norm=spectral_norm)
        self.conv_s = _shortcut(in_channels, out_channels, spectral_norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, D, H / 2, W / 2)."""
        out: Tensor = self.conv_1(x if self.first else F.leaky_relu(x, 0.2))
        out = F.leaky_relu(out, 0.2, inplace=True)
        if self.merge_resampling:
            out = convolve_and_halve(out, self.conv_2.weight, self.conv_2.bias)
        else:
            out = F.avg_pool2d(self.conv_2(out), 2)
        # A 1x1 convolution and average pooling commute; this order does a quarter of the work.
        shortcut: Tensor = self.conv_s(F.avg_pool2d(x, 2))
        return shortcut + out


class UpBlock(nn.Module):
    """A residual block that doubles height and width.

    Args:
        in_channels: C, of x.
        out_channels: D, of the result and in the middle.
        spectral_norm: whether the convolutions have a spectral norm.
        merge_resampling: whether the first convolution also doubles the size.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, spectral_norm: bool, merge_resampling: bool = False
    ) -> None:
        super().__init__()
        self.merge_resampling = merge_resampling
        self.conv_1 = convolution(in_channels, out_channels, spectral_norm=spectral_norm)
        self.conv_2 = convolution(out_channels, out_channels, spectral_norm=spectral_norm)
        self.conv_s = _shortcut(in_channels, out_channels, spectral_norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, D, 2H, 2W)."""
        out: Tensor = F.leaky_relu(x, 0.2)
        if self.merge_resampling:
            out = double_and_convolve(out, self.conv_1.weight, self.conv_1.bias)
        else:
            out = self.conv_1(_double(out))
        out = self.conv_2(F.leaky_relu(out, 0.2, inplace=True))
        # A 1x1 convolution and repeating pixels commute; this order does a quarter of the work.
        shortcut: Tensor = _double(self.conv_s(x))
        return shortcut + out


def _shortcut(in_channels: int, out_channels: int, spectral_norm: bool) -> nn.Module:
    if in_channels == out_channels:
        return nn.Identity()
    return convolution(in_channels, out_channels, 1, spectral_norm=spectral_norm)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
