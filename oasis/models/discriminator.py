"""The OASIS discriminator: segments a photo into N classes and "fake"."""

from collections.abc import Iterable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.initialization import XAVIER_GAIN, convolution, rescale
from oasis.models.resampling import convolve_and_halve, double_and_convolve
from oasis.models.segmenting import SegmentingDiscriminator
from oasis.models.sizes import require_divisible

_WIDEST = 4  # times the base width


class OASISDiscriminator(SegmentingDiscriminator):
    """A U-Net of residual blocks that segments photos into N classes and one more, fake.

    `features` computes the last features and `head` turns them into logits; a subclass may add further `heads` on the
    same features. The widths of the encoder's blocks are 1, 1, 2, 2, 4, 4 times `channels`; further blocks have 4.

    Args:
        num_classes: N, without the fake class.
        channels: base width.
        num_blocks: at least 2, of the encoder and of the decoder.
        spectral_norm: whether the convolutions of the blocks have a spectral norm; the head never does.
        init_gain: of the Xavier initialisation; 1 for short runs, see `rescale`.
        merge_resampling: merge convolutions with resampling; see `oasis.models.resampling`.

    Attributes:
        feature_channels: channels of `features`, half the base width.
        heads: further heads by name; none here.
        size_divisor: height and width must be multiples of it.

    Raises:
        ConfigurationError: fewer than two blocks.

    Example:
        >>> discriminator = OASISDiscriminator(35, channels=4)
        >>> discriminator(torch.zeros(2, 3, 64, 128)).logits.shape
        torch.Size([2, 36, 64, 128])

    Source: Sushko et al. 2021, section 3.1 and table B.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int = 128,
        num_blocks: int = 6,
        *,
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        merge_resampling: bool = False,
    ) -> None:
        super().__init__(num_classes, feature_channels=channels // 2)
        if num_blocks < 2:
            raise ConfigurationError(f"num_blocks={num_blocks}: the discriminator needs at least 2 blocks")
        self.size_divisor = 2**num_blocks
        widths = [channels * min(_WIDEST, 2 ** (i // 2)) for i in range(num_blocks)]
        self.down = nn.ModuleList(
            DownBlock(
                in_channels,
                out_channels,
                first=in_channels == 3,
                spectral_norm=spectral_norm,
                merge_resampling=merge_resampling,
            )
            for in_channels, out_channels in pairwise([3, *widths])
        )
        # Each block of the decoder but the deepest also reads the encoder's features at its size.
        self.up = nn.ModuleList(
            UpBlock(in_channels, out_channels, spectral_norm=spectral_norm, merge_resampling=merge_resampling)
            for in_channels, out_channels in zip(
                [widths[-1], *(2 * width for width in widths[-2::-1])],
                [*widths[-2::-1], self.feature_channels],
                strict=True,
            )
        )
        self.add_head()
        rescale(self, init_gain)

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The residual blocks, see `Recomputable`."""
        return [*self.down, *self.up]

    def features(self, image: Tensor) -> Tensor:
        """See `SegmentingDiscriminator.features`."""
        require_divisible(image, self.size_divisor, "OASISDiscriminator")
        skips = []
        x: Tensor = image
        for block in self.down:
            x = block(x)
            skips.append(x)
        x = self.up[0](skips.pop())
        for block in self.up[1:]:
            x = block(torch.cat([skips.pop(), x], dim=1))
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
