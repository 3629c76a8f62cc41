"""Spatially adaptive normalisation (SPADE)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.models.initialization import convolution
from oasis.models.modulation import Modulation
from oasis.models.norms import NormName, build_norm


class SPADE(Modulation):
    """Normalises x, then scales and shifts each pixel by the condition: norm(x) * (1 + gamma) + beta.

    Args:
        channels: C, of x.
        condition_channels: K, of the condition.
        hidden_channels: width of the layer that gamma and beta share.
        kernel_size: of the three convolutions, odd.
        norm: the parameter-free normalisation.

    Source: Park et al. 2019, equations 1 and 2.
    """

    def __init__(
        self,
        channels: int,
        condition_channels: int,
        *,
        hidden_channels: int = 128,
        kernel_size: int = 3,
        norm: NormName = "sync_batch",
    ) -> None:
        super().__init__()
        self.norm = build_norm(norm, channels)
        self.shared = convolution(condition_channels, hidden_channels, kernel_size)
        self.gamma = convolution(hidden_channels, channels, kernel_size)
        self.beta = convolution(hidden_channels, channels, kernel_size)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Modulate x.

        Args:
            x: (B, C, H, W) float.
            condition: (B, K, H, W) float, already at the size of x.

        Returns:
            (B, C, H, W) float; the backward pass does not read it, so it may be overwritten.
        """
        hidden = F.relu(self.shared(condition), inplace=True)
        return torch.addcmul(self.beta(hidden), self.norm(x), self.gamma(hidden).add_(1))
