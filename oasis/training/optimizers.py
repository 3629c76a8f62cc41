"""The optimizer as fast as the device can have it."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW


def fused_adam(parameters: Iterable[nn.Parameter], **settings: Any) -> Adam:
    """Adam in one kernel where the device has it for all parameters, else as torch chooses.

    Args:
        parameters: on the device they are trained on.
        settings: of `torch.optim.Adam`.
    """
    parameters = list(parameters)
    return Adam(parameters, fused=_fused(parameters), **settings)


def fused_adamw(parameters: Iterable[nn.Parameter], **settings: Any) -> AdamW:
    """AdamW likewise; `settings` of `torch.optim.AdamW`."""
    parameters = list(parameters)
    return AdamW(parameters, fused=_fused(parameters), **settings)


def _fused(parameters: list[nn.Parameter]) -> bool | None:
    """Whether to ask for the one kernel; None leaves the choice to torch."""
    kinds = {(each.device, each.dtype): each for each in parameters}
    return True if all(map(_has_kernel, kinds.values())) else None


def _has_kernel(like: Tensor) -> bool:
    """Torch tells only when it steps."""
    probe = torch.zeros_like(like[:0] if like.dim() else like, requires_grad=True)
    probe.grad = torch.zeros_like(probe)
    try:
        Adam([probe], fused=True).step()
    except (RuntimeError, NotImplementedError):
        return False
    return True
