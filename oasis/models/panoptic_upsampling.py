"""Upsampling by two that takes the features of a pixel from its own segment.

A fine pixel takes the nearest coarse feature of its own segment among the coarse pixel above it and the eight around
that one. Distances are those from the centre of the fine pixel to the centres of the coarse ones. Of two that are
equally far, the one above or below is taken before the one beside. Where none of the nine is of its segment, the
segment is new at this scale, and the pixel needs a feature from elsewhere.
"""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.models.neighbours import CENTER, TAPS, shifted
from oasis.models.panoptic_convolution import flat, unflat

NEW = 9  # the rank of a segment's first pixels


def _rank() -> Tensor:
    """(9, 2, 2) int64: how near each tap is to the four fine pixels of the coarse pixel in the middle, 0 = nearest."""
    rank = torch.empty(9, 2, 2, dtype=torch.int64)
    for a, b in product(range(2), repeat=2):
        # In quarters of a coarse pixel, the centre of a fine one is one off that of the coarse one.
        away = [(4 * y + 1 - 2 * a, 4 * x + 1 - 2 * b) for y, x in TAPS]
        order = sorted((y**2 + x**2, abs(x), tap) for tap, (y, x) in enumerate(away))
        for place, (_, _, tap) in enumerate(order):
            rank[tap, a, b] = place
    return rank


_RANK = _rank()


def nearest_own(coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
    """Find the coarse pixel that each fine one takes its features from.

    Args:
        coarse: (B, H, W) int64, the segment of each coarse pixel, at least 0.
        fine: (B, 2H, 2W) int64, that of each fine one.

    Returns:
        The rank of the nearest neighbour of the same segment, (B, 2H, 2W) int64 in 0..9, 0 = the coarse pixel above,
        9 = there is none; and that of each tap, (9, 2H, 2W) int64.

    Source: Dundar et al. 2020, panoptic-aware upsampling.
    """
    rank = _RANK.to(fine.device).repeat(1, *coarse.shape[-2:])
    best = torch.full_like(fine, NEW)
    for each, place in zip(shifted(coarse, -1), rank, strict=True):
        candidate = each.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
        best = torch.where(candidate == fine, torch.minimum(best, place), best)
    return best, rank


def double(x: Tensor, best: Tensor, rank: Tensor) -> Tensor:
    """Upsample by two, each pixel from its own segment, as `nearest_own` says; never waits for a GPU.

    Args:
        x: (B, C, H, W) float.
        best: (B, 2H, 2W) int64.
        rank: (9, 2H, 2W) int64.

    Returns:
        (B, C, 2H, 2W) float; pixels of new segments have the features of the coarse pixel above.
    """
    out = F.interpolate(x, scale_factor=2, mode="nearest")
    for position, (each, place) in enumerate(zip(shifted(x), rank, strict=True)):
        if position != CENTER:
            chosen = (best == place).unsqueeze(1)
            out = torch.where(chosen, F.interpolate(each, scale_factor=2, mode="nearest"), out)
    return out


def double_few(x: Tensor, best: Tensor, rank: Tensor) -> Tensor:
    """The same, which only touches pixels that do not take the coarse pixel above. On a GPU, the host waits."""
    out = F.interpolate(x, scale_factor=2, mode="nearest")
    other = ((best != 0) & (best != NEW)).flatten().nonzero()[:, 0]
    rows, columns = best.shape[-2:]  # torch.unravel_index would load sympy, which takes seconds
    image, row, column = other // (rows * columns), other // columns % rows, other % columns
    tap = (rank[:, row, column] == best.flatten()[other]).int().argmax(dim=0)
    step = torch.tensor(TAPS, device=x.device)[tap]
    height, width = x.shape[-2:]
    source = (image * height + row // 2 + step[:, 0]) * width + column // 2 + step[:, 1]
    return unflat(flat(out).index_copy(0, other, flat(x).index_select(0, source)), out)
