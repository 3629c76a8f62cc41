"""Spectral norm of convolutions and linear layers."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.parametrize import is_parametrized

_FIRST_ITERATIONS = 15  # enough for a newly drawn weight
_EPS = 1e-12
_LARGE = 2**16  # input times output channels; below, an operation costs more than its passes over the weight


class SpectralNorm(nn.Module):
    """Divides the weight of a convolution or linear layer by its largest singular value, estimated by power iteration.

    In training mode, each use of the weight makes one iteration. Computes what
    `torch.nn.utils.parametrizations.spectral_norm` does, with the same names in the state dict and singular vectors
    that are equal to the bit. Two things differ: the singular value is the norm by which the last vector was divided,
    which saves two products, so that the result is equal up to rounding. And under autocast the estimate has the
    weight's own precision always; torch's has the 8 bits of bfloat16 on GPUs, since autocast's list has `mv`.

    Args:
        weight: (O, I, h, w), or (O, I) of a linear layer, the initial weight.

    Source: Miyato et al. 2018, section 2.1 and algorithm 1.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
            self.register_buffer(name, matrix.new_empty(size))
        if weight.is_meta:  # a network planned without memory has no values
            return
        for vector in (self._u, self._v):
            vector.copy_(F.normalize(vector.normal_(), dim=0, eps=_EPS))
        self.iterate(matrix, times=_FIRST_ITERATIONS)

    def forward(self, weight: Tensor) -> Tensor:
        """(O, I, h, w) or (O, I) to the same of spectral norm 1."""
        if weight.is_meta:
            return weight
        with full_precision(weight):
            divided: Tensor = _Divided.apply(weight, *self._triplet(weight))
        return divided

    def estimate(self, weight: Tensor) -> Tensor:
        """The largest singular value of (O, I, h, w): a scalar. In training mode, each call makes an iteration."""
        with full_precision(weight):
            value: Tensor = _Value.apply(weight, *self._triplet(weight))
        return value

    def right_inverse(self, weight: Tensor) -> Tensor:
        """An assigned weight becomes the undivided one."""
        return weight

    @torch.no_grad()
    def iterate(self, matrix: Tensor, times: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        """Power iterations of `_u` and `_v` on (O, I * h * w).

        Returns:
            The singular vectors (O,) and (I * h * w,), which later iterations leave alone, and the value, a scalar.
        """
        u, v = self._u, self._v
        for _ in range(times):
            u, _ = _normalized(torch.mv(matrix, v))
            v, value = _normalized(torch.mv(matrix.T, u))
        self._u.copy_(u)
        self._v.copy_(v)
        return u, v, value

    @torch.no_grad()
    def _triplet(self, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Singular vectors and value; those of a backward pass, which may follow the next use of the weight."""
        matrix = weight.flatten(1)
        if self.training:
            return self.iterate(matrix)
        return self._u, self._v, torch.vdot(self._u, torch.mv(matrix, self._v))


class _Divided(torch.autograd.Function):
    """weight / value with the gradient of value = u^T weight v, in 3 passes over the weight instead of 7."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, u: Tensor, v: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(weight, u, v, value)
        return weight / value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        weight, u, v, value = ctx.saved_tensors
        through_value = (grad * weight).sum() / value
        rows = (u * through_value).view(-1, *[1] * (weight.dim() - 1))
        # No flattening, which would copy weights in the channels-last layout.
        divided = torch.addcmul(grad, rows, v.view(1, *weight.shape[1:]), value=-1).div_(value)
        return divided, None, None, None


class _Value(torch.autograd.Function):
    """The value, with the gradient of u^T weight v."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, u: Tensor, v: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(u, v)
        ctx.shape = weight.shape
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        u, v = ctx.saved_tensors
        return torch.outer(u * grad, v).view(ctx.shape), None, None, None


def _normalized(vector: Tensor) -> tuple[Tensor, Tensor]:
    """A vector, divided in place by its length, and the length."""
    length = torch.linalg.vector_norm(vector).clamp_min_(_EPS)
    return vector.div_(length), length


def full_precision(weight: Tensor) -> AbstractContextManager[Any]:
    """A context in which autocast leaves the weight's device alone."""
    kind = weight.device.type
    # Not available on the meta device; entering the context costs as much as a small operation.
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def undivided(layer: nn.Conv2d) -> tuple[Tensor, Tensor | None]:
    """A convolution's weight, and what is left to divide it by for its spectral norm.

    Dividing the input or the output of the convolution instead saves the passes over a large weight.

    Args:
        layer: with or without spectral norm.

    Returns:
        (O, I, h, w), and a scalar above 0; or None without a spectral norm, and for a small weight, which is divided
        already. In training mode this makes a power iteration.
    """
    if not is_parametrized(layer) or layer.in_channels * layer.out_channels < _LARGE:
        return layer.weight, None
    parametrization = cast(Any, layer).parametrizations.weight
    weight: Tensor = parametrization.original
    return weight, parametrization[0].estimate(weight)


def iterate_norms(network: nn.Module, times: int = 1) -> None:
    """Make power iterations of every spectral norm of a network, as so many training passes do."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and is_parametrized(layer):
            weight = cast(Any, layer).parametrizations.weight
            if weight[0].training:
                weight[0].iterate(weight.original.detach().flatten(1), times)
