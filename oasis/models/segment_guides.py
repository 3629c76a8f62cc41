"""Fast modulation by INADE: the segments at one scale, and at all scales.

Both kinds of guides are equal to `INADE.forward` up to the rounding of float32: `DenseSegmentGuide` scales and shifts
by entire maps, `TableSegmentGuide` by the rows of the segments, which is faster on CPUs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.models.guides import Guide, TableGuide
from oasis.models.inade import INADE, NoisySegments
from oasis.models.pyramid import Pyramid


@dataclass(frozen=True)
class DenseSegmentGuide(Guide[INADE]):
    """A guide that makes maps of gamma and beta.

    Attributes:
        segments: at this scale.
    """

    segments: NoisySegments

    def modulate(
        self,
        layer: INADE,
        x: Tensor,
        norm: nn.Module,
        slope: float = 1.0,
        *,
        divisor: Tensor | None = None,
        overwrite: bool = False,
    ) -> Tensor:
        """See `Guide`."""
        rows = layer.table(self.segments.noise, self.segments.classes)
        if divisor is not None:
            rows = rows / divisor
        scale, shift = self.segments.paint(rows.to(x.dtype)).chunk(2, dim=1)
        out = torch.addcmul(shift, norm(x), scale)
        return out if slope == 1 else F.leaky_relu(out, slope, inplace=True)


@dataclass(frozen=True)
class TableSegmentGuide(TableGuide[INADE]):
    """A guide that makes no maps.

    Attributes:
        segments: at this scale.
    """

    segments: NoisySegments

    @property
    def pixels(self) -> NoisySegments:
        """See `TableGuide`."""
        return self.segments

    def rows(self, layer: INADE) -> Tensor:
        """See `TableGuide`."""
        return layer.table(self.segments.noise, self.segments.classes)


class SegmentPyramid(Pyramid):
    """The segments at any scale.

    Args:
        condition: (B, K, H, W) float, the encoded label map, which the stem sees.
        segments: at the size of the condition.
        guide: makes the guide of a scale; None = `INADE` takes the segments themselves, the reference for the guides.
    """

    def __init__(
        self, condition: Tensor, segments: NoisySegments, guide: Callable[[NoisySegments], Guide[INADE]] | None
    ) -> None:
        self.condition = condition
        self.segments = segments
        self.guide = guide

    def at(self, height: int, width: int) -> Any:
        """See `Pyramid`."""
        segments = self.segments.at(height, width)
        return segments if self.guide is None else self.guide(segments)

    def whole(self, height: int, width: int) -> Tensor:
        """See `Pyramid`; each pixel has the noise of its segment."""
        resized = F.interpolate(self.condition, size=(height, width), mode="nearest")
        return torch.cat([self.segments.at(height, width).painted().to(resized), resized], dim=1)
