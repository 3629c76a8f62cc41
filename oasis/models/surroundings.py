"""What residual blocks and the upsampling between them see around a pixel: all pixels, or those of its own segment."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.models.neighbours import Borderers, Neighbours
from oasis.models.panoptic_convolution import convolve, convolve_at, flat, unflat
from oasis.models.panoptic_upsampling import NEW, double, double_few, nearest_own

# If more than this share of the pixels has neighbours of other segments, computing all alike is faster.
_MOST_BORDERERS = 0.5


class Scale:
    """The convolutions of 3x3 at one scale; these are plain."""

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve x (B, C, H, W) float with a weight (O, C, 3, 3) and a bias (O,): (B, O, H, W)."""
        return F.conv2d(x, weight, bias, padding=1)

    def apply(self, layer: nn.Conv2d, x: Tensor) -> Tensor:
        """The same with the weight and bias of a layer."""
        out: Tensor = layer(x)
        return out


PLAIN = Scale()


class Scales:
    """All scales of one batch; these are plain.

    Args:
        upsampling: `nearest` or `bilinear`.
    """

    def __init__(self, upsampling: str) -> None:
        self.upsampling = upsampling

    def at(self, height: int, width: int) -> Scale:
        """That of this size, which divides the size of the pictures."""
        return PLAIN

    def double(self, x: Tensor, fill: nn.Conv2d | None, whole: Callable[[int, int], Tensor]) -> Tensor:
        """Upsample (B, C, H, W) float to (B, C, 2H, 2W).

        Args:
            x: the features.
            fill: makes features (B, C, 2H, 2W) of the condition, where x has none.
            whole: the condition at a given height and width.
        """
        return F.interpolate(x, scale_factor=2, mode=self.upsampling)


class Surroundings(ABC):
    """What convolutions and upsampling see around a pixel.

    Attributes:
        needs_segments: whether `scales` reads them.
    """

    needs_segments: ClassVar[bool]

    @abstractmethod
    def scales(self, segments: Tensor | None, upsampling: str = "nearest", *, sparse: bool) -> Scales:
        """For one batch.

        Args:
            segments: (B, H, W) int64, see `Generator.forward`; given if `needs_segments`.
            upsampling: `nearest` or `bilinear`, where features may cross into another segment.
            sparse: whether to look for the few pixels that differ, for which a GPU would have to be waited for.
        """


class PlainSurroundings(Surroundings):
    """All pixels."""

    needs_segments = False

    def scales(self, segments: Tensor | None, upsampling: str = "nearest", *, sparse: bool) -> Scales:
        """See `Surroundings`."""
        return Scales(upsampling)


class PanopticSurroundings(Surroundings):
    """Only pixels of the same segment, so that features never cross from one instance into the next.

    Segments have any numbers and may be of any shape and number; those of a scale are sampled by nearest. Where one is
    new at a scale, its features are made of the condition.

    Source: Dundar et al. 2020 ("Panoptic-based Image Synthesis").
    """

    needs_segments = True

    def scales(self, segments: Tensor | None, upsampling: str = "nearest", *, sparse: bool) -> Scales:
        """See `Surroundings`; each pixel takes the nearest feature of its own segment, whatever the upsampling."""
        assert segments is not None
        return PanopticScales(segments, sparse=sparse)


class PanopticScale(Scale):
    """Convolutions that see the own segment.

    Args:
        segments: (B, H, W) int64, at least 0.
        sparse: see `Surroundings.scales`.
    """

    def __init__(self, segments: Tensor, *, sparse: bool) -> None:
        self.segments = segments
        self.neighbours = Neighbours.of(segments)
        self.borderers: Borderers | None = None
        if sparse:
            borderers = Borderers.of(self.neighbours.ratio > 1, self.neighbours)
            self.borderers = borderers if len(borderers.pixels) <= _MOST_BORDERERS * segments.numel() else None

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """See `Scale`."""
        return convolve(x, weight, bias, self.neighbours, self.borderers)

    def apply(self, layer: nn.Conv2d, x: Tensor) -> Tensor:
        """See `Scale`."""
        return self.convolve(x, layer.weight, layer.bias)


class PanopticScales(Scales):
    """All scales of one batch.

    Args:
        segments: (B, H, W) int64, at least 0.
        sparse: see `Surroundings.scales`.
    """

    def __init__(self, segments: Tensor, *, sparse: bool) -> None:
        super().__init__("nearest")
        self.segments = segments
        self.sparse = sparse
        self._made: dict[tuple[int, int], PanopticScale] = {}

    def at(self, height: int, width: int) -> PanopticScale:
        """See `Scales`."""
        if (height, width) not in self._made:
            rows, columns = self.segments.shape[1] // height, self.segments.shape[2] // width
            self._made[height, width] = PanopticScale(self.segments[:, ::rows, ::columns], sparse=self.sparse)
        return self._made[height, width]

    def double(self, x: Tensor, fill: nn.Conv2d | None, whole: Callable[[int, int], Tensor]) -> Tensor:
        """See `Scales`."""
        assert fill is not None
        height, width = x.shape[-2:]
        fine = self.at(2 * height, 2 * width)
        best, rank = nearest_own(self.at(height, width).segments, fine.segments)
        condition = whole(2 * height, 2 * width)
        if not self.sparse:
            filled = convolve(condition, fill.weight, fill.bias, fine.neighbours)
            return torch.where((best == NEW).unsqueeze(1), filled.to(x.dtype), double(x, best, rank))
        out = double_few(x, best, rank)
        new = Borderers.of(best == NEW, fine.neighbours)
        rows = convolve_at(new, condition, fill.weight, fill.bias)
        return unflat(flat(out).index_copy(0, new.pixels, rows.to(x.dtype)), out)
