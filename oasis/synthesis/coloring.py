"""Label maps and what is generated as pictures."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from oasis.instances import boundaries
from oasis.visualize import colorize, to_bytes

_MOST_CONTOUR = 0.5  # of an instance's pixels; smaller ones would consist of contour only


def color_segments(label: Tensor, instance: Tensor, palette: Sequence[Sequence[int]]) -> Tensor:
    """Each class in its colour, and each large enough instance with a white inner contour.

    Args:
        label: (H, W) int64 class indices.
        instance: (H, W) int64, 0 = no instance, 1..N.
        palette: one RGB colour in 0..255 per class.

    Returns:
        (3, H, W) float32 in [-1, 1].
    """
    edge = (boundaries(torch.zeros_like(instance)[None], instance[None])[0, 0] > 0) & (instance > 0)
    rows = int(instance.max()) + 1
    share = torch.bincount(instance[edge], minlength=rows) / torch.bincount(instance.flatten(), minlength=rows)
    contour = edge & (share <= _MOST_CONTOUR)[instance]
    return torch.where(contour, 1.0, colorize(label[None], palette)[0])


def as_picture(image: Tensor) -> Image.Image:
    """(3, H, W) in [-1, 1] as an RGB picture."""
    return Image.fromarray(to_bytes(image).permute(1, 2, 0).cpu().numpy())
