"""Resizing the condition to the scales of SPADE."""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.errors import ConfigurationError

ConditionResize = Literal["nearest", "area"]
Resize = Callable[[Tensor, tuple[int, int]], Tensor]


def nearest(condition: Tensor, size: tuple[int, int]) -> Tensor:
    """The upper left pixel of each cell: (B, K, H, W) float to (B, K, *size), which divides H and W; a view."""
    height, width = condition.shape[-2:]
    if size == (height, width):
        return condition
    return condition[:, :, :: height // size[0], :: width // size[1]]


def area(condition: Tensor, size: tuple[int, int]) -> Tensor:
    """The mean of each cell: (B, K, H, W) float to (B, K, *size), which divides H and W.

    Of a one-hot map that is the share of the cell that each class covers, so that things narrower than a cell do not
    vanish.

    Source: Lv et al. 2024 (PLACE).
    """
    height, width = condition.shape[-2:]
    cell = (height // size[0], width // size[1])
    return condition if cell == (1, 1) else F.avg_pool2d(condition, cell)


_RESIZES: dict[str, Resize] = {"nearest": nearest, "area": area}


def resize_by_name(name: str) -> Resize:
    """A way to resize the condition.

    Args:
        name: `nearest` or `area`.

    Raises:
        ConfigurationError: if there is none of this name.
    """
    if name not in _RESIZES:
        raise ConfigurationError(f"generator.condition_resize={name}: not known; choose one of {', '.join(_RESIZES)}")
    return _RESIZES[name]


def resized(whole: Tensor, noise_channels: int, size: tuple[int, int], resize: Resize) -> Tensor:
    """A map of noise and condition, resized.

    The noise is always resized by `nearest`: the mean of n independent numbers has a variance of 1 / n, so that noise
    of pixels would fade towards the coarse scales.

    Args:
        whole: (B, Z + K, H, W) float, the noise of each pixel first.
        noise_channels: Z.
        size: (h, w), which divides H and W.
        resize: for the condition.

    Returns:
        (B, Z + K, h, w) of the same type.
    """
    if noise_channels == 0 or resize is nearest:
        return resize(whole, size)
    noise, condition = whole[:, :noise_channels], whole[:, noise_channels:]
    return torch.cat([nearest(noise, size), resize(condition, size)], dim=1)
