"""The optimizer as fast as the device can have it."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer


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


def settings_of(optimizer: Optimizer) -> list[dict[str, Any]]:
    """The settings of each parameter group, as they are now."""
    return [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]


def fit_state(optimizer: Optimizer) -> None:
    """Lay out and place an optimizer's state as its parameters are.

    A fused optimizer reads both by memory address and counts on the device; the checkpoint it resumes from may have
    been written by one that does neither.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
                elif name == "step" and group.get("fused"):
                    state[name] = value.to(parameter.device, torch.float32)


def clip_norm(optimizer: Optimizer, max_norm: float, scaler: torch.amp.GradScaler | None = None) -> None:
    """Scale the gradients of an optimizer's parameters down to a norm, over all of them, of at most `max_norm`.

    Args:
        optimizer: whose gradients have been computed.
        max_norm: above 0.
        scaler: of 16-bit training, whose scale is taken off first; None without.
    """
    if scaler is not None:
        scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_([each for group in optimizer.param_groups for each in group["params"]], max_norm)
