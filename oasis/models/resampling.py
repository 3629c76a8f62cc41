"""Downsampling, and convolutions merged with downsampling after them or upsampling before them.

Merged ones need 4/9 of the multiply-adds. Both parts are linear, so that one kernel of 4x4 with a stride of 2 replaces
a kernel of 3x3 and a box of 2x2, borders included. The larger intermediate picture is never computed. Equal up to
rounding.
"""

import torch.nn.functional as F
from torch import Tensor


def convolve_and_halve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`avg_pool2d(conv2d(x, weight, bias, padding=1), 2)`.

    Args:
        x: (B, I, H, W) float; H and W even.
        weight: (O, I, 3, 3).
        bias: (O,) or None.

    Returns:
        (B, O, H / 2, W / 2) float.
    """
    return F.conv2d(x, boxed(weight) / 4, bias, stride=2, padding=1)


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
    return F.conv_transpose2d(x, boxed(weight).flip(2, 3).transpose(0, 1), bias, stride=2, padding=1)


def boxed(weight: Tensor) -> Tensor:
    """The convolution of a kernel with a box of 2x2 ones: (O, I, 3, 3) to (O, I, 4, 4)."""
    rows = F.pad(weight, (0, 0, 0, 1)) + F.pad(weight, (0, 0, 1, 0))
    return F.pad(rows, (0, 1)) + F.pad(rows, (1, 0))


def halve(x: Tensor) -> Tensor:
    """Means of 3x3 pixels around every other one, not counting those beyond the border.

    Args:
        x: (B, C, H, W) float.

    Returns:
        (B, C, ceil(H / 2), ceil(W / 2)) float.

    Source: Wang et al. 2018 (pix2pixHD), section 3.2.
    """
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
