"""Normalisations without learnt scale and shift, for SPADE."""

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from oasis.errors import ConfigurationError

NormName = Literal["sync_batch", "batch", "instance"]


class SyncBatchNorm(nn.BatchNorm2d):
    """BatchNorm with the moments over all processes.

    In one process it is bit-identical to `nn.BatchNorm2d`, with the same names in the state dict. Processes must have
    batches of the same size. Unlike torch's own it runs on CPUs, so that it can be tested there.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise: (B, C, H, W) float to the same."""
        if not self.synchronizes:
            return super().forward(input)
        with torch.autocast(input.device.type, enabled=False):
            return self._normalize(input)

    @property
    def synchronizes(self) -> bool:
        """Whether the moments are currently those of several processes."""
        return self.training and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1

    def _normalize(self, x: Tensor) -> Tensor:
        processes = dist.get_world_size()
        variance, mean = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0)
        mean_of_all: Tensor = _Sum.apply(mean) / processes
        # Around the common mean, to avoid the cancellation of a difference of squares.
        variance = _Sum.apply(variance + (mean - mean_of_all).square()) / processes
        self._remember(mean_of_all, variance, processes * x.numel() // x.shape[1])
        scale = (variance + self.eps).rsqrt()
        shift = -mean_of_all * scale
        return torch.addcmul(shift.view(1, -1, 1, 1), x.float(), scale.view(1, -1, 1, 1)).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance * (count / (count - 1)), weight)


class _Sum(torch.autograd.Function):
    """The sum over all processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        total = grad.clone()
        dist.all_reduce(total)
        return total


_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": lambda channels: nn.BatchNorm2d(channels, affine=False),
    "sync_batch": lambda channels: SyncBatchNorm(channels, affine=False),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=False),
}


def build_norm(name: str, channels: int) -> nn.Module:
    """Build a parameter-free normalisation by its name.

    Args:
        name: `sync_batch` (moments over all processes), `batch` (of each process's own part), or `instance` (of each
            image).
        channels: C.

    Raises:
        ConfigurationError: if there is no such normalisation.
    """
    if name not in _NORMS:
        raise ConfigurationError(f"norm={name!r} is not known; choose one of {', '.join(_NORMS)}")
    return _NORMS[name](channels)


def measure_alike(one: nn.Module, other: nn.Module) -> bool:
    """Whether two norms normalise the same x equally, in this process: in training mode, by the statistics of x."""
    if torch.compiler.is_compiling():  # `batch_norm_update_stats` does not declare what it mutates
        return False
    for norm in (one, other):
        if not isinstance(norm, nn.BatchNorm2d) or not norm.training or norm.momentum is None:
            return False
        if isinstance(norm, SyncBatchNorm) and norm.synchronizes:
            return False
    return one.eps == other.eps


def normalize_for_both(x: Tensor, norm: nn.Module, other: nn.Module) -> Tensor:
    """The output of two norms that `measure_alike`, computed once; updates the running statistics of both."""
    mean, variance, count = (other.get_buffer(name) for name in ("running_mean", "running_var", "num_batches_tracked"))
    with torch.no_grad():
        torch.batch_norm_update_stats(x, mean, variance, float(getattr(other, "momentum")))  # noqa: B009
        count.add_(1)
    normalized: Tensor = norm(x)
    return normalized
