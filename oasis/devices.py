"""Choosing the device."""

import torch

from oasis.errors import ConfigurationError


def find_device(name: str) -> torch.device:
    """The device of this name; `auto` = the accelerator of this machine if there is one, else the CPU.

    Raises:
        ConfigurationError: there is no such device.
    """
    if name == "auto":
        backend = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return backend or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # which one depends on the build of torch
        reason = (str(error).splitlines() or [""])[0]
        raise ConfigurationError(f"device={name}: not available here ({reason}). Use cpu or auto.") from error
    return device
