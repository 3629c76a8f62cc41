"""Fused optimizers, their settings and states, and gradient clipping."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer


def fused_adam(parameters: Iterable[nn.Parameter], **settings: Any) -> Adam:
    """Fused Adam if the device supports it for all parameters, else torch's default.

    Args:
        parameters: on the training device.
        settings: of `torch.optim.Adam`.
    """
    parameters = list(parameters)
    return Adam(parameters, fused=_fused(parameters), **settings)


def fused_adamw(parameters: Iterable[nn.Parameter], **settings: Any) -> AdamW:
    """The same for AdamW; `settings` of `torch.optim.AdamW`."""
    parameters = list(parameters)
    return AdamW(parameters, fused=_fused(parameters), **settings)


def _fused(parameters: list[nn.Parameter]) -> bool | None:
    """The argument `fused`; None = torch's default."""
    kinds = {(each.device, each.dtype): each for each in parameters}
    return True if all(map(_has_kernel, kinds.values())) else None


def _has_kernel(like: Tensor) -> bool:
    """Whether there is a fused kernel, by trying a step."""
    probe = torch.zeros_like(like[:0] if like.dim() else like, requires_grad=True)
    probe.grad = torch.zeros_like(probe)
    try:
        Adam([probe], fused=True).step()
    except (RuntimeError, NotImplementedError):
        return False
    return True


def settings_of(optimizer: Optimizer) -> list[dict[str, Any]]:
    """The current settings of each parameter group."""
    return [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]


def fit_state(optimizer: Optimizer) -> None:
    """Give an optimizer's state the memory layout and device of its parameters.

    A fused optimizer requires equal layouts and a step counter on the device; the optimizer that wrote the checkpoint
    may have had neither.
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
    """Clip the gradients of an optimizer's parameters to a total norm of at most `max_norm`.

    Args:
        optimizer: about to step; Lightning has unscaled its gradients, unless it is fused and does so itself.
        max_norm: above 0.
        scaler: of 16-bit training, to unscale gradients of a fused optimizer first; None without.
    """
    if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
        scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_([each for group in optimizer.param_groups for each in group["params"]], max_norm)
