"""The interface of segmenters: networks trained on real photos that find classes and instances in a picture."""

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
        score: (B, most N) float32, the confidence in each instance: that of instance i stands at i - 1, and 0 behind
            the image's last one. None = unknown, see `Segmenter.scores_instances`.
    """

    label: Tensor
    instance: Tensor
    score: Tensor | None = None


class Segmenter(nn.Module, ABC):
    """A frozen network that predicts classes and instances of pictures, and one feature vector per picture.

    Its output for a picture must not depend on the others of its batch.

    Attributes:
        label_space: the classes it predicts.
        num_features: D, of `features`.
        finds_instances: whether it tells the instances of a class apart; without, `Prediction.instance` is 0, and there
            are no panoptic scores.
        scores_instances: whether `Prediction.score` is given; without, there is no average precision.
        size: (height, width) of every prediction, at which label maps are then read too; None = that of the picture.
        matches_by_name: whether its classes may be others than the data's, and are found among them by their names.
        fingerprint: a hash of everything that predictions depend on, such as the weights.
    """

    label_space: LabelSpace
    num_features: int
    finds_instances: bool = True
    scores_instances: bool = False
    size: tuple[int, int] | None = None
    matches_by_name: bool = False
    fingerprint: str

    @property
    def protocol(self) -> str:
        """The network, its weights and the size that it sees, in a phrase for people."""
        seen = "" if self.size is None else f" at {self.size[0]}x{self.size[1]}"
        return f"{type(self).__name__} {self.fingerprint[:12]}{seen}"

    @abstractmethod
    def forward(self, image: Tensor) -> Prediction:
        """Segment pictures: (B, 3, H, W) float in [-1, 1] to a prediction of their height and width, or of `size`."""

    @abstractmethod
    def features(self, image: Tensor) -> Tensor:
        """Features of pictures: (B, 3, H, W) float in [-1, 1] to (B, num_features) float32."""


SegmenterSource = Callable[[Path], Segmenter]
"""Makes a segmenter, given the path of the one that `oasis train-segmenter` trains for the dataset.

A `conf/segmenter/NAME.yaml` instantiates to one: `_partial_: true`, and a `_target_` that takes this path first. It
raises `MissingWeightsError` if no weights are given and none are found; scores that need them are then left out.
"""
