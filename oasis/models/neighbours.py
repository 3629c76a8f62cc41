"""Which pixels of a map have neighbours of their own segment."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))  # of a 3x3 neighbourhood, in reading order
CENTER = 4
_OUTSIDE = -1


@dataclass(frozen=True)
class Neighbours:
    """The 3x3 neighbours of each pixel at one scale.

    Attributes:
        segments: (B, H, W) int64, the segment of each pixel, at least 0.
        own: (9, B, H, W) bool, whether each neighbour is inside of the picture and of the pixel's own segment.
        ratio: (B, H, W) float32 in 1..9: 9 / the number of neighbours that are of its segment or outside.
    """

    segments: Tensor
    own: Tensor
    ratio: Tensor

    @classmethod
    def of(cls, segments: Tensor) -> "Neighbours":
        """Compare each pixel of (B, H, W) int64 with its neighbours."""
        around = shifted(segments, _OUTSIDE)
        own = torch.stack([each == segments for each in around])
        seen = torch.stack([each == _OUTSIDE for each in around]).logical_or_(own).sum(dim=0)
        return cls(segments, own, 9 / seen.float())


@dataclass(frozen=True)
class Borderers:
    """Pixels with a neighbour of another segment, and any others that are asked for.

    Attributes:
        pixels: (P,) int64, as indices into the flattened batch.
        neighbours: (9, P) int64, of each one's neighbours; itself where a neighbour is not `own`.
        own: (9, P, 1) bool, see `Neighbours`.
        ratio: (P, 1) float32, see `Neighbours`.
    """

    pixels: Tensor
    neighbours: Tensor
    own: Tensor
    ratio: Tensor

    @classmethod
    def of(cls, found: Tensor, neighbours: Neighbours) -> "Borderers":
        """Those where a mask (B, H, W) bool is set. On a GPU, the host waits for their number."""
        pixels = found.flatten().nonzero()[:, 0]
        own = neighbours.own.flatten(1).index_select(1, pixels)
        offsets = torch.tensor([y * found.shape[-1] + x for y, x in TAPS], device=pixels.device)
        ratio = neighbours.ratio.flatten().index_select(0, pixels)
        return cls(pixels, pixels + offsets[:, None] * own, own[:, :, None], ratio[:, None])

    def rows(self, flat: Tensor) -> Iterator[Tensor]:
        """For each tap, the neighbours' rows of (B H W, C) float, 0 where they are not `own`: (P, C)."""
        for position, (neighbour, own) in enumerate(zip(self.neighbours, self.own, strict=True)):
            rows = flat.index_select(0, neighbour)
            yield rows if position == CENTER else rows.mul_(own)


def shifted(map_: Tensor, outside: int = 0) -> list[Tensor]:
    """A map (..., H, W) as seen by each of the nine taps, views: the neighbour of every pixel, `outside` beyond it."""
    height, width = map_.shape[-2:]
    padded = F.pad(map_, (1, 1, 1, 1), value=outside)
    return [padded[..., y + 1 : y + 1 + height, x + 1 : x + 1 + width] for y, x in TAPS]
