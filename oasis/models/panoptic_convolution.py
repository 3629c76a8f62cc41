"""Convolutions that see only neighbours of the own segment.

    out = W (x * M) * 9 / sum(M) + b

M is 1 where a neighbour has the segment of the pixel in the middle. Neighbours outside of the picture count as seen,
with features of 0: a picture of a single segment then gives exactly the plain convolution with its zero padding. That
is our choice; a ratio that does not count them would differ along the border.

Two ways lead to it, equal up to rounding:

- all pixels, as nine masked matrix products, one a tap, which never waits for a GPU;
- the plain convolution, and then the pixels that have a neighbour of another segment once more, on CPUs: few pixels do.

As M is symmetric, the gradient of x is again such a convolution, of the output's gradient times the ratio, with the
weight transposed. Only x, the weight and the masks are kept for the backward pass.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input, conv2d_weight

from oasis.models.neighbours import TAPS, Borderers, Neighbours, shifted


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, neighbours: Neighbours, borderers: Borderers | None = None
) -> Tensor:
    """A panoptic-aware convolution.

    Args:
        x: (B, C, H, W) float.
        weight: (O, C, 3, 3) float.
        bias: (O,) or None.
        neighbours: of each pixel, at the scale of x.
        borderers: the pixels that have a neighbour of another segment, for the way of CPUs; None = compute all pixels
            alike.

    Returns:
        (B, O, H, W) float, of the type of x and weight, or under autocast of its type.

    Source: Dundar et al. 2020, panoptic-aware convolution; Liu et al. 2018 (partial convolution), equation 1.
    """
    x, weight = autocast(x), autocast(weight)
    out: Tensor = (
        _Everywhere.apply(x, weight, neighbours) if borderers is None else _AtBorders.apply(x, weight, borderers)
    )
    return out if bias is None else out.add_(bias.to(out.dtype).view(1, -1, 1, 1))


def convolve_at(pixels: Borderers, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same convolution at some pixels only: x (B, C, H, W) to (P, O)."""
    x, weight = autocast(x), autocast(weight)
    taps = [rows @ weight[:, :, y + 1, x_ + 1].t() for rows, (y, x_) in zip(pixels.rows(flat(x)), TAPS, strict=True)]
    out = torch.stack(taps).sum(dim=0) * pixels.ratio.to(x.dtype)
    return out if bias is None else out + bias.to(out.dtype)


def flat(x: Tensor) -> Tensor:
    """(B, C, H, W) as (B H W, C); a view if the channels are last in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def unflat(rows: Tensor, like: Tensor) -> Tensor:
    """(B H W, C) as (B, C, H, W), of the batch and size of another map: a view."""
    return rows.view(like.shape[0], *like.shape[-2:], -1).permute(0, 3, 1, 2)


def autocast(x: Tensor) -> Tensor:
    """As autocast casts the operands of a convolution."""
    kind = x.device.type
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind) or x.dtype == torch.float64:
        return x
    return x.to(torch.get_autocast_dtype(kind))


class _Everywhere(torch.autograd.Function):
    """All pixels, one tap after the other."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, neighbours: Neighbours) -> Tensor:
        ctx.save_for_backward(x, weight, neighbours.own, neighbours.ratio)
        return _sum_of_taps(x, weight, neighbours.own) * neighbours.ratio.to(x.dtype).unsqueeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight, own, ratio = ctx.saved_tensors
        grad = grad * ratio.to(grad.dtype).unsqueeze(1)
        wants_x, wants_weight, _ = ctx.needs_input_grad
        grad_x = _sum_of_taps(grad, weight.transpose(0, 1).flip(2, 3), own) if wants_x else None
        if not wants_weight:
            return grad_x, None, None
        grads = flat(grad).t()
        products = [grads @ flat(each * mask.unsqueeze(1)) for each, mask in zip(shifted(x), own, strict=True)]
        return grad_x, torch.stack(products, dim=2).view_as(weight), None


def _sum_of_taps(x: Tensor, weight: Tensor, own: Tensor) -> Tensor:
    """The convolution without ratio, summed in at least float32: (B, C, H, W) to (B, O, H, W) of the type of x."""
    kind = torch.promote_types(x.dtype, torch.float32)
    out: Tensor | None = None
    for each, mask, (row, column) in zip(shifted(x), own, TAPS, strict=True):
        product = (flat(each * mask.unsqueeze(1)) @ weight[:, :, row + 1, column + 1].t()).to(kind)
        out = product if out is None else out.add_(product)
    assert out is not None
    return unflat(out.to(x.dtype), x)


class _AtBorders(torch.autograd.Function):
    """The plain convolution, then the pixels at borders of segments again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, borderers: Borderers) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(x, weight)
        ctx.borderers = borderers
        out = _writable(F.conv2d(x, weight, padding=1))
        rows = _products(borderers, x, weight)
        flat(out).index_copy_(0, borderers.pixels, rows.mul_(borderers.ratio))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (x, weight), borderers = ctx.saved_tensors, ctx.borderers
        wants_x, wants_weight, _ = ctx.needs_input_grad
        grad = grad.clone(memory_format=torch.channels_last)
        own = flat(grad).index_select(0, borderers.pixels).mul_(borderers.ratio)
        flat(grad).index_copy_(0, borderers.pixels, own)
        grad_x = grad_weight = None
        if wants_x:
            grad_x = _writable(conv2d_input(x.shape, weight, grad, padding=1))  # type: ignore[no-untyped-call]
            rows = _products(borderers, grad, weight.transpose(0, 1).flip(2, 3))
            flat(grad_x).index_copy_(0, borderers.pixels, rows)
        if wants_weight:
            flat(grad).index_fill_(0, borderers.pixels, 0)
            grad_weight = conv2d_weight(x, weight.shape, grad, padding=1)  # type: ignore[no-untyped-call]
            for seen, (row, column) in zip(borderers.rows(flat(x)), TAPS, strict=True):
                grad_weight[:, :, row + 1, column + 1] += own.t() @ seen
        return grad_x, grad_weight, None


def _products(borderers: Borderers, x: Tensor, weight: Tensor) -> Tensor:
    """The sum of all taps at the borderers: (P, O) of the type of x."""
    out = x.new_zeros(len(borderers.pixels), len(weight))
    for seen, (row, column) in zip(borderers.rows(flat(x)), TAPS, strict=True):
        out.addmm_(seen, weight[:, :, row + 1, column + 1].t())
    return out


def _writable(x: Tensor) -> Tensor:
    """With the channels last in memory, so that `flat` is a view: what is written there reaches x."""
    x = x.contiguous(memory_format=torch.channels_last)
    return x if flat(x).data_ptr() == x.data_ptr() else x.clone(memory_format=torch.channels_last)
