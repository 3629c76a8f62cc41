"""What turns a picture into the feature vector that distances between sets of pictures are measured in."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class FeatureExtractor(nn.Module, ABC):
    """A frozen network that describes a picture by one vector.

    Attributes:
        num_features: D.
        frechet_name: what the Frechet distance in these features is called, such as `fid`.
        kernel_name: what the kernel distance in these features is called, such as `kid`; None = it is not reported.
        fingerprint: changes whenever the features of the same picture would: weights and protocol.
    """

    num_features: int
    frechet_name: str
    kernel_name: str | None
    fingerprint: str

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Describe.

        Args:
            image: (B, 3, H, W) float in [-1, 1].

        Returns:
            (B, num_features) float32.
        """
