"""Maps of one sample as pictures of a panel's size."""

import torch
from PIL import Image
from torch import Tensor

from oasis.inspection.samples import LabelledPhoto
from oasis.inspection.sheet import legend
from oasis.instances import boundaries
from oasis.visualize import colorize_values, to_bytes

_NARROWEST = 448  # pixels that captions need; smaller samples are enlarged by an integer factor


def enlargement(sample: LabelledPhoto) -> int:
    """How many pixels of a panel's side a pixel of the sample has."""
    return max(1, -(-_NARROWEST // sample.label.shape[1]))


def panel_size(sample: LabelledPhoto) -> tuple[int, int]:
    """(width, height) of the panels of a sample."""
    height, width = sample.label.shape
    return width * enlargement(sample), height * enlargement(sample)


def fitted(colors: Tensor, sample: LabelledPhoto) -> Image.Image:
    """(3, h, w) in [-1, 1] as a picture of a panel's size."""
    return as_image(colors).resize(panel_size(sample), Image.Resampling.NEAREST)


def as_image(colors: Tensor) -> Image.Image:
    """(3, h, w) in [-1, 1] as a picture of this size."""
    return Image.fromarray(to_bytes(colors).permute(1, 2, 0).numpy())


def outlined(colors: Tensor, sample: LabelledPhoto) -> Tensor:
    """(3, H, W) with faint lines along segment boundaries."""
    lines = boundaries(sample.label[None], sample.instance[None])[0]
    return torch.lerp(colors, torch.ones_like(colors), 0.25 * lines)


def bar(colormap: str, low: str, high: str) -> Image.Image:
    """A legend: the colours from `low` to `high`."""
    return legend(low, as_image(colorize_values(torch.linspace(0, 1, 160).expand(16, -1), 0, 1, colormap)), high)
