"""Where to compute."""

import torch

from oasis.errors import ConfigurationError


def find_device(name: str) -> torch.device:
    """The device of this name; `auto` = a GPU where there is one, else the CPU.

    Raises:
        ConfigurationError: there is none of this name.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises one or the other, by its build
        reason = (str(error).splitlines() or [""])[0]
        raise ConfigurationError(f"device={name}: not available here ({reason}). Use device=cpu or auto.") from error
    return device
