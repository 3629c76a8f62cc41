"""The generator's residual block with SPADE, or another modulation."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.models.guides import Guide
from oasis.models.initialization import convolution
from oasis.models.modulation import Modulation
from oasis.models.norms import measure_alike, normalize_for_both
from oasis.models.spectral_norm import undivided
from oasis.models.surroundings import PLAIN, Scale


class SPADEBlock(nn.Module):
    """A residual block whose normalisations are modulated; the middle width is the smaller of the two outer ones.

    Args:
        in_channels: C, of x.
        out_channels: D, of the result.
        modulation: makes each normalisation, of features with the given number of channels: SPADE as published.
        spectral_norm: whether the block's own convolutions have a spectral norm; those in SPADE never do.

    Source: Park et al. 2019, figure 4; Sushko et al. 2021, table A.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modulation: Callable[[int], Modulation],
        *,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)
        self.spade_0 = modulation(in_channels)
        self.conv_0 = convolution(in_channels, middle, spectral_norm=spectral_norm)
        self.spade_1 = modulation(middle)
        self.conv_1 = convolution(middle, out_channels, spectral_norm=spectral_norm)
        self.spade_s: Modulation | None = None
        self.conv_s: nn.Conv2d | None = None
        if in_channels != out_channels:
            self.spade_s = modulation(in_channels)
            self.conv_s = convolution(in_channels, out_channels, 1, bias=False, spectral_norm=spectral_norm)

    def forward(self, x: Tensor, condition: Any, scale: Scale = PLAIN) -> Tensor:
        """One block.

        Args:
            x: (B, C, H, W) float; overwritten if a guide is given and there are no gradients.
            condition: what the modulations take at the size of x, such as (B, K, H, W) float for SPADE; or a guide,
                which is equivalent and faster.
            scale: how its 3x3 convolutions are made.

        Returns:
            (B, D, H, W) float.
        """
        if isinstance(condition, Guide):
            return self._guided(x, condition, scale)
        out = scale.apply(self.conv_0, F.leaky_relu(self.spade_0(x, condition), 0.2, inplace=True))
        out = scale.apply(self.conv_1, F.leaky_relu(self.spade_1(out, condition), 0.2, inplace=True))
        shortcut: Tensor = x
        if self.spade_s is not None and self.conv_s is not None:
            shortcut = self.conv_s(self.spade_s(x, condition))
        return shortcut + out

    def _guided(self, x: Tensor, guide: Guide[Any], scale: Scale) -> Tensor:
        # Spectral norms divide the input of a convolution instead of its weight, where that is larger.
        guide = guide.shared_by([each for each in (self.spade_0, self.spade_1, self.spade_s) if each is not None])
        shortcut, norm = x, self.spade_0.norm
        if self.spade_s is not None and self.conv_s is not None:
            norm_s = self.spade_s.norm
            if measure_alike(norm, norm_s):
                x = normalize_for_both(x, norm, norm_s)
                norm = norm_s = nn.Identity()
            shortcut = guide.project(self.spade_s, x, norm_s, *undivided(self.conv_s))
        # The shortcut comes first, since x may be overwritten afterwards.
        weight, divisor = undivided(self.conv_0)
        out = guide.modulate(self.spade_0, x, norm, 0.2, divisor=divisor, overwrite=shortcut is not x)
        out = scale.convolve(out, weight, self.conv_0.bias)
        weight, divisor = undivided(self.conv_1)
        out = guide.modulate(self.spade_1, out, self.spade_1.norm, 0.2, divisor=divisor, overwrite=True)
        out = scale.convolve(out, weight, self.conv_1.bias)
        return out + shortcut if torch.is_grad_enabled() else out.add_(shortcut)
