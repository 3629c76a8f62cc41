"""The distinct vectors of a map's pixels, and its distinct 3x3 neighbourhoods.

Label maps are piecewise constant, so that a convolution over one computes the same few results repeatedly. The
functions here find the distinct ones by integer arithmetic on entire maps: on a CPU, a map of 256x512 takes a few
milliseconds. On a GPU the host waits for the number of distinct ones.

Maps are compared by 64-bit hashes with random odd multipliers. Among a million different ones, the probability of a
collision is about 1 in 10 million.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache, cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS = 9  # of a 3x3 neighbourhood, in reading order


class Rows(ABC):
    """A map whose pixels are numbered by the rows of a table.

    Attributes:
        of_pixel: (B, H, W) int64 in 0..D-1, the row of each pixel.
    """

    of_pixel: Tensor

    @property
    @abstractmethod
    def count(self) -> int:
        """D, the number of rows."""

    @cached_property
    def by_row(self) -> tuple[Tensor, Tensor]:
        """All pixels sorted by row (B H W,), and the start of each row (D,)."""
        number = self.of_pixel.flatten()
        order = number.argsort(stable=True)
        size = number.new_zeros(self.count).scatter_add_(0, number, torch.ones_like(number))
        return order, size.cumsum(0) - size


@dataclass(frozen=True)
class Distinct(Rows):
    """A map as a table of its distinct values.

    Attributes:
        of_pixel: (B, H, W) int64 in 0..D-1, the row of each pixel.
        table: one row per distinct value: (D, C) vectors of the map's dtype, or (D, 9) int64 neighbourhoods.
        example: (D,) int64, for each row a pixel that has it, as an index into the flattened batch.
    """

    of_pixel: Tensor
    table: Tensor
    example: Tensor

    @property
    def count(self) -> int:
        """D."""
        return len(self.table)


def distinct_vectors(image: Tensor) -> Distinct:
    """The distinct vectors of a map; images do not share rows.

    Args:
        image: (B, C, H, W) floating point. Compared bitwise.

    Returns:
        Rows (D, C), in arbitrary order.
    """
    batch_size, channels, *size = image.shape
    key = torch.arange(batch_size, device=image.device).view(-1, 1, 1).mul(_multiplier(channels)).repeat(1, *size)
    for channel in range(channels):
        bits = image[:, channel].double().view(torch.int64)
        # The bits of 1.0 end in 52 zeros, which a product would preserve, so the upper bits are mixed in first.
        key += (bits ^ (bits >> 52)).mul_(_multiplier(channel))
    number, example = _number(key)
    pixels = number[0].numel()  # torch.unravel_index would load sympy, which takes seconds
    return Distinct(number, image.flatten(2)[example // pixels, :, example % pixels], example)


def distinct_neighbourhoods(number: Tensor, outside: int) -> Distinct:
    """The distinct 3x3 neighbourhoods of a map of numbers.

    Args:
        number: (B, H, W) int64, at least 0.
        outside: the number of pixels beyond the border.

    Returns:
        Rows (D, 9), the neighbourhoods in reading order, the pixel itself in the middle.
    """
    height, width = number.shape[-2:]
    padded = F.pad(number, (1, 1, 1, 1), value=outside)
    around = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    key = around[0] * _multiplier(0)
    for position, shifted in enumerate(around[1:], start=1):
        key += shifted * _multiplier(position)
    of_pixel, example = _number(key)
    return Distinct(of_pixel, torch.stack([shifted.reshape(-1)[example] for shifted in around], dim=1), example)


def _number(key: Tensor) -> tuple[Tensor, Tensor]:
    """Number the distinct keys: the number of each pixel (B, H, W), and an example pixel of each number (D,)."""
    keys, number = torch.unique(key, return_inverse=True)
    example = torch.empty_like(keys)
    example[number.flatten()] = torch.arange(key.numel(), device=key.device)  # any pixel of each number
    return number, example


@cache
def _multiplier(position: int) -> int:
    """A random odd 64-bit number, a function of the position."""
    generator = torch.Generator().manual_seed(0x5ADE + position)
    return int(torch.randint(-(2**62), 2**62, (), generator=generator, dtype=torch.int64)) | 1
