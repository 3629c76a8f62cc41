"""The part of a sample where instances touch."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.inspection.samples import LabelledPhoto
from oasis.instances import boundaries, segment_ids
from oasis.losses.boundary_classes import BoundaryClasses

_CELL = 16  # the edges of a detail are those of cells at 1/16 of the size
_FEWEST = 32  # rows and columns of a detail
_ZOOMS = (4, 2, 1)


@dataclass(frozen=True)
class Detail:
    """A part of a sample, of the same shape.

    Attributes:
        top: its first row, a multiple of 16.
        left: its first column, a multiple of 16.
        height: its rows, a multiple of 16.
        width: its columns, a multiple of 16.
    """

    top: int
    left: int
    height: int
    width: int

    @classmethod
    def of(cls, sample: LabelledPhoto) -> "Detail":
        """The part with most pixels where instances touch; with most of any boundary where none do.

        A quarter of the height and width; more where that is below 32 pixels or has no whole cells of 1/16.

        Args:
            sample: height and width are multiples of 32.
        """
        rows, columns = sample.label.shape
        height, width = next(
            (rows // zoom, columns // zoom)
            for zoom in _ZOOMS
            if all(n % (zoom * _CELL) == 0 and n // zoom >= _FEWEST for n in (rows, columns))
        )
        found = seams(sample).float()[None, None]
        if not found.any():
            found = boundaries(sample.label[None], sample.instance[None])
        shares = F.avg_pool2d(found, (height, width), stride=_CELL)[0, 0]
        best = int(shares.argmax())
        return cls(best // shares.shape[1] * _CELL, best % shares.shape[1] * _CELL, height, width)

    def cut(self, whole: Tensor, divisor: int = 1) -> Tensor:
        """This part of a map (..., H / divisor, W / divisor); a divisor of 16."""
        top, left, height, width = (n // divisor for n in (self.top, self.left, self.height, self.width))
        return whole[..., top : top + height, left : left + width]


def seams(sample: LabelledPhoto) -> Tensor:
    """(H, W) bool: the pixels where two instances of one thing class touch, see `BoundaryClasses`."""
    target: Tensor = BoundaryClasses(sample.label_space)(sample.label[None], sample.instance[None])[0]
    return target >= sample.label_space.num_classes


def segments(sample: LabelledPhoto) -> Tensor:
    """(1, H, W) int64, as networks take them; see `segment_ids`."""
    return segment_ids(sample.label[None], sample.instance[None], sample.label_space.num_classes)


def at(whole: Tensor, divisor: int) -> Tensor:
    """A map (..., H, W) at a smaller size, by nearest."""
    return whole[..., ::divisor, ::divisor]


def touching_pair(label: Tensor, instance: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two pixels beside each other: of touching instances if there are any, else of two segments; near the middle.

    Args:
        label: (h, w) int64, at least 3x4.
        instance: (h, w) int64.

    Returns:
        Row and column of the left and of the right pixel, neither at the border.
    """
    left, right = ((each[1:-1, 1:-2], each[1:-1, 2:-1]) for each in (label, instance))
    same_class, differs = left[0] == left[1], right[0] != right[1]
    touch = same_class & differs & (right[0] > 0) & (right[1] > 0)
    fitting = next(each for each in (touch, ~same_class | differs, torch.ones_like(touch)) if each.any())
    places = fitting.nonzero()
    middle = torch.tensor([label.shape[0] / 2 - 1.5, label.shape[1] / 2 - 2])
    row, column = (places[(places - middle).norm(dim=1).argmin()] + 1).tolist()
    return (row, column), (row, column + 1)
