"""The base classes of feature extractors."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from oasis.metrics.feature_distances import Distance


class FeatureExtractor(nn.Module, ABC):
    """A frozen network that computes one feature vector per picture.

    Attributes:
        num_features: D.
        distances: name -> distance of two sets of these features, such as `fid`, and `kid` and `kid_std`: all that are
            reported, the most important first. `oasis.metrics.frechet_and_kernel` makes the usual ones.
        fingerprint: a hash of weights and protocol, which changes with the features.
    """

    num_features: int
    distances: Mapping[str, Distance]
    fingerprint: str

    @property
    def protocol(self) -> str:
        """The network, its weights and what is done to pictures before, in a phrase for people."""
        return f"{type(self).__name__} {self.fingerprint[:12]}"

    @property
    def title(self) -> str:
        """The name of the first distance, for messages."""
        return next(iter(self.distances))

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Compute features.

        Args:
            image: (B, 3, H, W) float in [-1, 1].

        Returns:
            (B, num_features) float32.
        """


class FrozenExtractor(FeatureExtractor):
    """One that stays in eval mode, computes in float32, and passes NaN on, whatever it does to pictures."""

    def train(self, mode: bool = True) -> Self:
        """Stays in eval mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Compute features, in float32 even under autocast.

        Args:
            image: (B, 3, H, W) float in [-1, 1].

        Returns:
            (B, num_features) float32; all NaN for a picture with NaN or infinity, which bytes and resizing could hide.
        """
        with torch.autocast(image.device.type, enabled=False):
            features = self.describe(image.float())
        broken = ~image.isfinite().flatten(1).all(dim=1)
        return features.masked_fill(broken[:, None], torch.nan)

    @abstractmethod
    def describe(self, image: Tensor) -> Tensor:
        """The features of finite pictures: (B, 3, H, W) float32 in [-1, 1] to (B, num_features) float32."""
