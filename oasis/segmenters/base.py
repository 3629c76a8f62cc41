"""The contract of a segmenter: a network trained on real photos that finds classes and instances in a picture."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from oasis.labels import LabelSpace


@dataclass(frozen=True)
class Prediction:
    """A panoptic segmentation.

    Attributes:
        label: (B, H, W) int64, class indices of the segmenter's label space, never its ignored class.
        instance: (B, H, W) int64, 0 = no instance, 1..N within each image; above 0 only in thing classes.
    """

    label: Tensor
    instance: Tensor


class Segmenter(nn.Module, ABC):
    """A frozen network that finds classes and instances in pictures, and describes a picture by a vector.

    What it says of a picture depends on that picture alone, never on the others of its batch.

    Attributes:
        label_space: the classes it predicts.
        num_features: D, of `features`.
        fingerprint: changes whenever a prediction for the same picture would, such as with the weights.
    """

    label_space: LabelSpace
    num_features: int
    fingerprint: str

    @abstractmethod
    def forward(self, image: Tensor) -> Prediction:
        """Segment pictures: (B, 3, H, W) float in [-1, 1] to a prediction of the same height and width."""

    @abstractmethod
    def features(self, image: Tensor) -> Tensor:
        """Describe pictures: (B, 3, H, W) float in [-1, 1] to (B, num_features) float32."""


SegmenterSource = Callable[[Path], Segmenter]
"""Makes a segmenter, given where `oasis train-segmenter` puts the one of the dataset at hand.

A `conf/segmenter/NAME.yaml` instantiates to one: `_partial_: true`, and a `_target_` that takes this path first. It
raises `MissingWeightsError` where no weights are named and none can be found; then scores that need them are left out.
"""
