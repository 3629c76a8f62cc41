"""The decoder of discriminators whose encoder is no mirror of it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from oasis.models.discriminator import UpBlock

_WIDEST = 4  # times the base width


def unet_widths(channels: int, count: int) -> list[int]:
    """The widths of OASIS's U-Net at half, quarter, ... of the size: 1, 1, 2, 2, 4, 4, 4, ... times `channels`."""
    return [channels * min(_WIDEST, 2 ** (i // 2)) for i in range(count)]


class SkipDecoder(nn.Module):
    """Residual blocks that double the size, each but the first beside an encoder's features at its size.

    Args:
        widths: channels of the encoder's features from half of the size to the smallest.
        out_channels: of the result.
        spectral_norm: whether the convolutions have a spectral norm.

    Source: the decoder of Sushko et al. 2021, table B.
    """

    def __init__(self, widths: Sequence[int], out_channels: int, *, spectral_norm: bool) -> None:
        super().__init__()
        inputs = [widths[-1], *(2 * width for width in widths[-2::-1])]
        outputs = [*widths[-2::-1], out_channels]
        self.blocks = nn.ModuleList(
            UpBlock(before, after, spectral_norm=spectral_norm, merge_resampling=True)
            for before, after in zip(inputs, outputs, strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features of (B, width, H / 2, W / 2) and so on, the largest first, to (B, out_channels, H, W)."""
        x: Tensor = self.blocks[0](features[-1])
        for block, skip in zip(self.blocks[1:], features[-2::-1], strict=True):
            x = block(torch.cat([skip, x], dim=1))
        return x
