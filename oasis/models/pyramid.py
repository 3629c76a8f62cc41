"""The condition at all scales, with the faster kind of guide at each."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from oasis.models.condition_resize import Resize, nearest, resized
from oasis.models.guides import DenseGuide, Guide
from oasis.models.patch_guide import PatchGuide
from oasis.models.patches import Distinct, distinct_neighbourhoods, distinct_vectors
from oasis.models.segment_rows import SegmentRows
from oasis.models.spade import SPADE

# If more than this share of the pixels is distinct, the dense guide is faster.
_MOST_VECTORS = 1 / 16
_MOST_NEIGHBOURHOODS = 0.6
# Shares have few bits, and the hashes of `distinct_vectors` need many: any number whose product with a float32 has all
# 53 bits. Different float32s stay different.
_SPREAD = 0.7390851332151607


class Pyramid(ABC):
    """What the modulations of a decoder are steered by, at any scale.

    Attributes:
        condition: (B, K, H, W) float, the encoded label map.
    """

    condition: Tensor

    @abstractmethod
    def at(self, height: int, width: int) -> Any:
        """What the modulations take for x of this size, which divides that of the condition; or a guide."""

    @abstractmethod
    def whole(self, height: int, width: int) -> Tensor:
        """The condition with the noise first, resized: (B, Z + K, height, width)."""

    def coarsest(self, divisor: int) -> tuple[int, int]:
        """Height and width of the condition, divided."""
        height, width = self.condition.shape[-2:]
        return height // divisor, width // divisor


class PlainPyramid(Pyramid):
    """The condition at any scale, of which every SPADE computes all pixels: the reference for `GuidePyramid`.

    Args:
        condition: see `GuidePyramid`.
        noise: see `GuidePyramid`.
        resize: of the condition.
    """

    def __init__(self, condition: Tensor, noise: Tensor | SegmentRows | None, resize: Resize = nearest) -> None:
        if isinstance(noise, SegmentRows):
            noise = noise.painted(*condition.shape[-2:])
        if noise is not None and noise.dim() == 2:
            noise = noise[:, :, None, None].expand(-1, -1, *condition.shape[-2:])
        self.condition = condition if noise is None else torch.cat([noise, condition], dim=1)
        self.noise_channels = 0 if noise is None else noise.shape[1]
        self.resize = resize

    def at(self, height: int, width: int) -> Tensor:
        """The same as `whole`."""
        return self.whole(height, width)

    def whole(self, height: int, width: int) -> Tensor:
        """See `Pyramid`."""
        return resized(self.condition, self.noise_channels, (height, width), self.resize)


class GuidePyramid(Pyramid):
    """Guides of the SPADEs, at any scale.

    Args:
        condition: (B, K, H, W) float, the encoded label map.
        noise: (B, Z) float, one vector per image; (B, Z, H, W), one per pixel; rows, one vector per segment, which may
            need gradients; None for a generator without noise.
        resize: of the condition; noise is always resized by `nearest`, see `resized`.
        sparse: whether to use `PatchGuide` at scales with few distinct neighbourhoods.
    """

    def __init__(
        self, condition: Tensor, noise: Tensor | SegmentRows | None, resize: Resize = nearest, *, sparse: bool
    ) -> None:
        self.noise_channels = 0
        if isinstance(noise, Tensor) and noise.dim() == 4:
            self.noise_channels = noise.shape[1]
            condition, noise = torch.cat([noise, condition], dim=1), None
        self.condition = condition
        self.noise = noise
        self.resize = resize
        self.sparse = sparse

    def at(self, height: int, width: int) -> Guide[SPADE]:
        """The guide for x of this size, which divides that of the condition."""
        if patches := self._patches(height, width):
            return patches
        if isinstance(self.noise, SegmentRows):
            return DenseGuide(self.whole(height, width), None)
        return DenseGuide(self._resized(height, width), self.noise)

    def whole(self, height: int, width: int) -> Tensor:
        """See `Pyramid`."""
        whole = self._resized(height, width)
        if self.noise is None:
            return whole
        if isinstance(self.noise, SegmentRows):
            return torch.cat([self.noise.painted(height, width), whole], dim=1)
        return torch.cat([self.noise[:, :, None, None].expand(-1, -1, height, width), whole], dim=1)

    def _resized(self, height: int, width: int) -> Tensor:
        return resized(self.condition, self.noise_channels, (height, width), self.resize)

    def _patches(self, height: int, width: int) -> PatchGuide | None:
        if not self.sparse or self._distinct is None:
            return None
        found = self._distinct_at(height, width)
        if found is None:
            return None
        number, vectors = found
        small = distinct_neighbourhoods(number, outside=len(vectors))
        large = distinct_neighbourhoods(small.of_pixel, outside=len(small.table))
        if len(large.table) > _MOST_NEIGHBOURHOODS * number.numel():
            return None
        return PatchGuide(vectors, small.table, large)

    def _distinct_at(self, height: int, width: int) -> tuple[Tensor, Tensor] | None:
        """The number of each pixel's vector (B, height, width), and the vectors; None if there are too many."""
        if self._distinct is None:
            return None
        full = self._distinct.of_pixel
        if self.resize is nearest or full.shape[-2:] == (height, width):
            return full[:, :: full.shape[1] // height, :: full.shape[2] // width], self._vectors
        if isinstance(self.noise, SegmentRows):  # whose means would have to be told apart by segment
            return None
        distinct = _distinct_means(self._resized(height, width))
        return None if distinct is None else (distinct.of_pixel, self._with_noise(distinct))

    @cached_property
    def _distinct(self) -> Distinct | None:
        """The distinct vectors of the condition; None if there are too many or they need gradients.

        With a vector per segment they end in its number, so that segments do not share rows.
        """
        if self.condition.requires_grad or (isinstance(self.noise, Tensor) and self.noise.requires_grad):
            return None
        if not isinstance(self.noise, SegmentRows):
            return _if_few(distinct_vectors(self.condition))
        return _if_few(distinct_vectors(torch.cat([self.condition, self.noise.number.unsqueeze(1).float()], dim=1)))

    @cached_property
    def _vectors(self) -> Tensor:
        """(V, Z + K): the distinct vectors, noise first."""
        if self._distinct is None:
            raise RuntimeError("there are no vectors to speak of")
        return self._with_noise(self._distinct)

    def _with_noise(self, distinct: Distinct) -> Tensor:
        if self.noise is None:
            return distinct.table
        if isinstance(self.noise, SegmentRows):
            table = distinct.table[:, :-1].to(self.condition.dtype)  # without the number of the segment
            return torch.cat([self.noise.at(distinct.example), table], dim=1)
        image = distinct.example // distinct.of_pixel[0].numel()
        return torch.cat([self.noise[image], distinct.table], dim=1)


def _distinct_means(means: Tensor) -> Distinct | None:
    """The distinct vectors of (B, K, H, W) means of a map; None if there are too many."""
    distinct = _if_few(distinct_vectors(means.double() * _SPREAD))
    if distinct is None:
        return None
    table = means.permute(0, 2, 3, 1).flatten(0, 2)[distinct.example]
    return Distinct(distinct.of_pixel, table, distinct.example)


def _if_few(distinct: Distinct) -> Distinct | None:
    return distinct if len(distinct.table) <= _MOST_VECTORS * distinct.of_pixel.numel() else None
