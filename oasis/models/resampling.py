"""Downsampling, and convolutions merged with downsampling after them or upsampling before them.

Merged ones need 4/9 of the multiply-adds. Both parts are linear, so that one kernel of 4x4 with a stride of 2 replaces
a kernel of 3x3 and a box of 2x2, borders included. The larger intermediate picture is never computed. Equal up to
rounding.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.models.spectral_norm import full_precision

Rows = tuple[tuple[float, ...], ...]
SUM: Rows = ((1, 1, 0, 0), (0, 1, 1, 0), (0, 0, 1, 1))
FLIPPED_SUM: Rows = ((0, 0, 1, 1), (0, 1, 1, 0), (1, 1, 0, 0))
MEAN: Rows = ((0.5, 0.5, 0, 0), (0, 0.5, 0.5, 0), (0, 0, 0.5, 0.5))


def convolve_and_halve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`avg_pool2d(conv2d(x, weight, bias, padding=1), 2)`.

    Args:
        x: (B, I, H, W) float; H and W even.
        weight: (O, I, 3, 3).
        bias: (O,) or None.

    Returns:
        (B, O, H / 2, W / 2) float.
    """
    return F.conv2d(x, boxed(weight, MEAN), bias, stride=2, padding=1)


def double_and_convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`conv2d(interpolate(x, scale_factor=2, mode="nearest"), weight, bias, padding=1)`.

    Args:
        x: (B, I, H, W) float.
        weight: (O, I, 3, 3).
        bias: (O,) or None.

    Returns:
        (B, O, 2H, 2W) float.
    """
    # A transposed convolution: hence the flip, and I before O.
    return F.conv_transpose2d(x, boxed(weight, FLIPPED_SUM).transpose(0, 1), bias, stride=2, padding=1)


def boxed(weight: Tensor, sums: Rows) -> Tensor:
    """The convolution of kernels with a box of 2x2, as one matrix product.

    Args:
        weight: (O, I, 3, 3).
        sums: what each of 3 rows, and of 3 columns, adds to each of 4; such as `SUM`.

    Returns:
        (O, I, 4, 4) of the same type.
    """
    with full_precision(weight):
        return (weight.flatten(2) @ _matrix(sums, weight.device, weight.dtype)).view(*weight.shape[:2], 4, 4)


@lru_cache
def _matrix(sums: Rows, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(9, 16), kept, since copying it to a GPU would make the host wait."""
    rows = torch.tensor(sums, dtype=dtype)
    return torch.kron(rows, rows).to(device)


def halve(x: Tensor) -> Tensor:
    """Means of 3x3 pixels around every other one, not counting those beyond the border.

    Args:
        x: (B, C, H, W) float.

    Returns:
        (B, C, ceil(H / 2), ceil(W / 2)) float.

    Source: Wang et al. 2018 (pix2pixHD), section 3.2.
    """
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
