"""The sample pictures that loggers receive while training."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PIL import Image
from torch import Tensor

from oasis.batch import Batch
from oasis.labels import LabelSpace


@dataclass(frozen=True)
class Pictures:
    """Pictures that a generator made from a few label maps.

    Attributes:
        grid: photo | label map | fake, one row per sample.
        batch: the samples.
        fake: (B, 3, H, W) in [-1, 1].
        label_space: the classes of `batch.label`.
    """

    grid: Image.Image
    batch: Batch
    fake: Tensor
    label_space: LabelSpace


@runtime_checkable
class PictureLogger(Protocol):
    """A logger that takes more than the grid."""

    def log_pictures(self, pictures: Pictures, step: int) -> None:
        """Logs the pictures; `step` counts batches."""
