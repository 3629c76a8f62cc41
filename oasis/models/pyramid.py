"""The condition at all scales, with the faster kind of guide at each."""

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.models.guides import DenseGuide, Guide, PatchGuide
from oasis.models.patches import Distinct, distinct_neighbourhoods, distinct_vectors
from oasis.models.segment_rows import SegmentRows

# If more than this share of the pixels is distinct, the dense guide is faster.
_MOST_VECTORS = 1 / 16
_MOST_NEIGHBOURHOODS = 0.6


class GuidePyramid:
    """Guides of the SPADEs, at any scale.

    Args:
        condition: (B, K, H, W) float, the encoded label map.
        noise: (B, Z) float, one vector per image; (B, Z, H, W), one per pixel; rows, one vector per segment, which may
            need gradients; None for a generator without noise.
        sparse: whether to use `PatchGuide` at scales with few distinct neighbourhoods.
    """

    def __init__(self, condition: Tensor, noise: Tensor | SegmentRows | None, *, sparse: bool) -> None:
        if isinstance(noise, Tensor) and noise.dim() == 4:
            condition, noise = torch.cat([noise, condition], dim=1), None
        self.condition = condition
        self.noise = noise
        self.sparse = sparse

    def at(self, height: int, width: int) -> Guide:
        """The guide for x of this size, which divides that of the condition."""
        if patches := self._patches(height, width):
            return patches
        if isinstance(self.noise, SegmentRows):
            return DenseGuide(self.whole(height, width), None)
        return DenseGuide(self._resized(height, width), self.noise)

    def whole(self, height: int, width: int) -> Tensor:
        """The condition with the noise first, resized: (B, Z + K, height, width)."""
        resized = self._resized(height, width)
        if self.noise is None:
            return resized
        if isinstance(self.noise, SegmentRows):
            return torch.cat([self.noise.painted(height, width), resized], dim=1)
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
        """The distinct vectors of the condition; None if there are too many or they need gradients.

        With a vector per segment they end in its number, so that segments do not share rows.
        """
        if self.condition.requires_grad or (isinstance(self.noise, Tensor) and self.noise.requires_grad):
            return None
        seen = self.condition
        if isinstance(self.noise, SegmentRows):
            seen = torch.cat([seen, self.noise.number.unsqueeze(1).float()], dim=1)
        distinct = distinct_vectors(seen)
        return distinct if len(distinct.table) <= _MOST_VECTORS * distinct.of_pixel.numel() else None

    @cached_property
    def _vectors(self) -> Tensor:
        """(V, Z + K): the distinct vectors, noise first."""
        if self._distinct is None:
            raise RuntimeError("there are no vectors to speak of")
        vectors = self._distinct.table
        if self.noise is None:
            return vectors
        if isinstance(self.noise, SegmentRows):
            return torch.cat([self.noise.at(self._distinct.example), vectors[:, :-1].to(self.condition.dtype)], dim=1)
        image = self._distinct.example // self.condition.shape[-2:].numel()
        return torch.cat([self.noise[image], vectors], dim=1)
