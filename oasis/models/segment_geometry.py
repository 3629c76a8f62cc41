"""Where segments are, and how large."""

import math

import torch
from torch import Tensor

from oasis.models.segment_rows import PresentSegments

MEASURES = 7
_FREQUENCIES = 5
FEATURES = (MEASURES - 1) * (1 + 2 * _FREQUENCIES) + 1


def geometry(segments: PresentSegments) -> Tensor:
    """Centre, box and area of segments, as shares of the picture.

    Args:
        segments: N rows.

    Returns:
        (B, N, 7) float32: y and x of the centre of mass (of pixel centres), height, width, top and left of the box
        around the segment, all in [0, 1]; and the logarithm of the area's share, at most 0. All 0 for absent rows.
    """
    height, width = segments.number.shape[1:]
    flat = segments.number.flatten(1)
    pixel = torch.arange(flat.shape[1], device=flat.device).expand_as(flat)
    none = torch.zeros_like(segments.segment)
    area = none.scatter_add(1, flat, torch.ones_like(flat)).clamp(min=1)
    measures: list[Tensor] = []
    for position, length in ((pixel // width, height), (pixel % width, width)):
        # Sums of integers are exact in any order.
        mean = none.scatter_add(1, flat, position) / area.double()
        low = torch.full_like(none, length).scatter_reduce_(1, flat, position, "amin")
        high = none.scatter_reduce(1, flat, position, "amax")
        measures += [((mean + 0.5) / length).float(), (high + 1 - low) / length, low / length]
    shares = torch.stack([*measures[0::3], *measures[1::3], *measures[2::3]], dim=2)
    logarithm = torch.log(area / flat.shape[1]).unsqueeze(2)
    return torch.cat([shares, logarithm], dim=2) * segments.present.unsqueeze(2)


def features(measures: Tensor) -> Tensor:
    """The results of `geometry` in the scale of a network: each share with its sines and cosines.

    Args:
        measures: (B, N, 7) float32.

    Returns:
        (B, N, FEATURES) float32, in [-1, 1] except for areas below a 20,000th of the picture.

    Source: the sines as in Mildenhall et al. 2020 (NeRF), equation 4.
    """
    shares, logarithm = measures[..., :-1], measures[..., -1:]
    scales = math.pi * 2.0 ** torch.arange(_FREQUENCIES, device=measures.device)
    angles = (shares.unsqueeze(-1) * scales).flatten(2)
    return torch.cat([2 * shares - 1, angles.sin(), angles.cos(), logarithm / 10], dim=2)
