"""The optimizer as fast as the device can have it."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam


def fused_adam(parameters: Iterable[nn.Parameter], **settings: Any) -> Adam:
    """Adam in one kernel where the device has it for all parameters, else as torch chooses.

    Args:
        parameters: on the device they are trained on.
        settings: of `torch.optim.Adam`.
    """
    parameters = list(parameters)
    kinds = {(each.device, each.dtype): each for each in parameters}
    return Adam(parameters, fused=True if all(map(_has_kernel, kinds.values())) else None, **settings)


def _has_kernel(like: Tensor) -> bool:
    """Torch tells only when it steps."""
    probe = torch.zeros_like(like[:0] if like.dim() else like, requires_grad=True)
    probe.grad = torch.zeros_like(probe)
    try:
        Adam([probe], fused=True).step()
    except (RuntimeError, NotImplementedError):
        return False
    return True
