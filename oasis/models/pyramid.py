"""The condition at all scales, with the faster kind of guide at each."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.models.guides import DenseGuide, Guide, PatchGuide
from oasis.models.patches import Distinct, distinct_neighbourhoods, distinct_vectors
from oasis.models.spade import SPADE

# If more than this share of the pixels is distinct, the dense guide is faster.
_MOST_VECTORS = 1 / 16
_MOST_NEIGHBOURHOODS = 0.6


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
    """The condition of the SPADEs, of which every pixel is computed: the reference for `GuidePyramid`.

    Args:
        condition: see `GuidePyramid`.
        noise: see `GuidePyramid`.
    """

    def __init__(self, condition: Tensor, noise: Tensor | None) -> None:
        if noise is not None and noise.dim() == 2:
            noise = noise[:, :, None, None].expand(-1, -1, *condition.shape[-2:])
        self.condition = condition if noise is None else torch.cat([noise, condition], dim=1)

    def at(self, height: int, width: int) -> Tensor:
        """The same as `whole`."""
        return self.whole(height, width)

    def whole(self, height: int, width: int) -> Tensor:
        """See `Pyramid`."""
        return F.interpolate(self.condition, size=(height, width), mode="nearest")


class GuidePyramid(Pyramid):
    """Guides of the SPADEs, at any scale.

    Args:
        condition: (B, K, H, W) float, the encoded label map.
        noise: (B, Z) float, one vector per image; (B, Z, H, W), one per pixel; None for a generator without noise.
        sparse: whether to use `PatchGuide` at scales with few distinct neighbourhoods.
    """

    def __init__(self, condition: Tensor, noise: Tensor | None, *, sparse: bool) -> None:
        if noise is not None and noise.dim() == 4:
            condition, noise = torch.cat([noise, condition], dim=1), None
        self.condition = condition
        self.noise = noise
        self.sparse = sparse

    def at(self, height: int, width: int) -> Guide[SPADE]:
        """The guide for x of this size, which divides that of the condition."""
        return self._patches(height, width) or DenseGuide(self._resized(height, width), self.noise)

    def whole(self, height: int, width: int) -> Tensor:
        """See `Pyramid`."""
        resized = self._resized(height, width)
        if self.noise is None:
            return resized
        return torch.cat([self.noise[:, :, None, None].expand(-1, -1, height, width), resized], dim=1)

    def _resized(self, height: int, width: int) -> Tensor:
        return F.interpolate(self.condition, size=(height, width), mode="nearest")

    def _patches(self, height: int, width: int) -> PatchGuide | None:
        if not self.sparse or self._distinct is None:
            return None
        full, vectors = self._distinct.of_pixel, self._vectors
        number = full[:, :: full.shape[1] // height, :: full.shape[2] // width]  # as mode="nearest"
        small = distinct_neighbourhoods(number, outside=len(vectors))
        large = distinct_neighbourhoods(small.of_pixel, outside=len(small.table))
        if len(large.table) > _MOST_NEIGHBOURHOODS * number.numel():
            return None
        return PatchGuide(vectors, small.table, large)

    @cached_property
    def _distinct(self) -> Distinct | None:
        """The distinct vectors of the condition; None if there are too many or they need gradients."""
        if self.condition.requires_grad or (self.noise is not None and self.noise.requires_grad):
            return None
        distinct = distinct_vectors(self.condition)
        return distinct if len(distinct.table) <= _MOST_VECTORS * distinct.of_pixel.numel() else None

    @cached_property
    def _vectors(self) -> Tensor:
        """(V, Z + K): the distinct vectors, noise first."""
        if self._distinct is None:
            raise RuntimeError("there are no vectors to speak of")
        vectors = self._distinct.table
        if self.noise is None:
            return vectors
        image = self._distinct.example // self.condition.shape[-2:].numel()
        return torch.cat([self.noise[image], vectors], dim=1)
