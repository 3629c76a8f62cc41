"""What a segmenter is: a network that was trained on real photos, and says what it sees in a picture."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from oasis.labels import LabelSpace


@dataclass(frozen=True)
class Prediction:
    """What a segmenter sees.

    Attributes:
        label: (B, H, W) int64, class indices of the segmenter's label space, never its ignored class.
        instance: (B, H, W) int64, 0 = no instance, 1..N within each image; above 0 only in thing classes.
    """

    label: Tensor
    instance: Tensor


class Segmenter(nn.Module, ABC):
    """A frozen network that finds classes and instances in pictures, and describes pictures by a vector.

    Attributes:
        label_space: the classes it tells apart.
        num_features: D, of `features`.
        fingerprint: changes whenever a verdict on the same picture would.
    """

    label_space: LabelSpace
    num_features: int
    fingerprint: str

    @abstractmethod
    def forward(self, image: Tensor) -> Prediction:
        """Look at pictures: (B, 3, H, W) float in [-1, 1] to a verdict of the same height and width."""

    @abstractmethod
    def features(self, image: Tensor) -> Tensor:
        """Describe pictures: (B, 3, H, W) float in [-1, 1] to (B, num_features) float32."""
