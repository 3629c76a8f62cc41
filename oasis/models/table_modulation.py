"""Scaling and shifting each pixel by a row of a table."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from oasis.models.patches import Rows

_AT_ONCE = 1 << 19  # values gathered at a time: 2 MiB, to stay in the cache


def modulate(x: Tensor, rows: Tensor, pixels: Rows, slope: float = 1.0, *, overwrite: bool = False) -> Tensor:
    """leaky_relu(x * scale + shift) with scale and shift from the row of each pixel.

    There is never a full map of scales or shifts: rows are gathered for a few thousand pixels at a time.

    Args:
        x: (B, C, H, W) float; fast in channels-last format.
        rows: (D, 2 C) of the same type, the C scales and then the C shifts.
        pixels: the row of each pixel.
        slope: of the leaky ReLU, above 0; 1 for none.
        overwrite: whether to overwrite x if there are no gradients.

    Returns:
        (B, C, H, W) float, channels last in memory.
    """
    flat = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    if torch.is_grad_enabled() and (x.requires_grad or rows.requires_grad):
        out: Tensor = _Modulation.apply(flat, rows, pixels, slope)
    else:
        out = _forward(flat, rows, pixels.of_pixel.flatten(), slope, flat if overwrite else torch.empty_like(flat))
    return out.view(*pixels.of_pixel.shape, -1).permute(0, 3, 1, 2)


@torch.no_grad()
def modulate_and_project(x: Tensor, rows: Tensor, pixels: Rows, weight: Tensor) -> Tensor:
    """A 1x1 convolution of the result of `modulate`, which is never stored entirely. Without gradients.

    Args:
        x: (B, C, H, W) float; fast in channels-last format.
        rows: (D, 2 C) of the same type, the C scales and then the C shifts.
        pixels: the row of each pixel.
        weight: (O, C) of the same type.

    Returns:
        (B, O, H, W) float, channels last in memory.
    """
    flat = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    out = flat.new_empty(len(flat), len(weight))
    buffer = flat.new_empty(0)
    for some in _pieces(flat):
        piece = flat[some]
        _forward(piece, rows, pixels.of_pixel.flatten()[some], 1.0, buffer.resize_(piece.shape))
        torch.mm(buffer, weight.t(), out=out[some])
    return out.view(*pixels.of_pixel.shape, -1).permute(0, 3, 1, 2)


class _Modulation(torch.autograd.Function):
    """Saves x, the rows and the result, which the next layer saves anyway."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor, pixels: Rows, slope: float) -> Tensor:
        out = _forward(x, rows, pixels.of_pixel.flatten(), slope, torch.empty_like(x))
        ctx.save_for_backward(x, rows, out if slope != 1 else None)
        ctx.pixels, ctx.slope = pixels, slope
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, rows, out = ctx.saved_tensors
        if out is not None:  # the leaky ReLU preserves the sign of its input
            grad = torch.where(out > 0, grad, grad * ctx.slope)
        order, starts = ctx.pixels.by_row
        buffer = grad * x
        # Sums of sorted pixels: ten times faster than adding pixel by pixel, and deterministic.
        sums = [F.embedding_bag(order, values.contiguous(), starts, mode="sum") for values in (buffer, grad)]
        number, channels = ctx.pixels.of_pixel.flatten(), x.shape[1]
        scales = rows[:, :channels].contiguous()
        for some in _pieces(x):
            torch.mul(grad[some], scales.index_select(0, number[some]), out=buffer[some])
        return buffer, torch.cat(sums, dim=1), None, None


def _forward(x: Tensor, rows: Tensor, number: Tensor, slope: float, out: Tensor) -> Tensor:
    """(P, C), (D, 2 C), (P,) to (P, C), which is `out`."""
    channels = x.shape[1]
    buffer = rows.new_empty(0)
    for some in _pieces(x):
        # Reuses memory: allocating new pages takes longer than filling them.
        buffer.resize_(len(number[some]), 2 * channels)
        gathered = torch.index_select(rows, 0, number[some], out=buffer)
        piece = torch.addcmul(gathered[:, channels:], x[some], gathered[:, :channels], out=out[some])
        if slope != 1:
            F.leaky_relu_(piece, slope)
    return out


def _pieces(x: Tensor) -> Iterator[slice]:
    """Slices of the rows of x that fit into the cache with their gathered values."""
    step = max(1, _AT_ONCE // (2 * x.shape[1]))
    return (slice(start, start + step) for start in range(0, len(x), step))
