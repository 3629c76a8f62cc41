"""The base class of feature extractors."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class FeatureExtractor(nn.Module, ABC):
    """A frozen network that computes one feature vector per picture.

    Attributes:
        num_features: D.
        frechet_name: name of the Frechet distance in these features, such as `fid`.
        kernel_name: name of the kernel distance in these features, such as `kid`; None = it is not reported.
        fingerprint: a hash of weights and protocol, which changes with the features.
    """

    num_features: int
    frechet_name: str
    kernel_name: str | None
    fingerprint: str

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Compute features.

        Args:
            image: (B, 3, H, W) float in [-1, 1].

        Returns:
            (B, num_features) float32.
        """
