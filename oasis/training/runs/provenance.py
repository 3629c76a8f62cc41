"""The code version and the device of a run."""

import platform
import subprocess
from pathlib import Path

import torch

import oasis

_CHANGED = "+changes"
_SECONDS = 10.0


def commit(root: Path | None = None) -> str | None:
    """The git commit of the running code, with the suffix `+changes` if tracked files are modified.

    Args:
        root: the checkout; None = that of this package.

    Returns:
        None outside a checkout, or without git.
    """
    root = Path(oasis.__file__).resolve().parents[1] if root is None else root
    if not (root / ".git").exists():  # a parent folder may be another project's checkout
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--exclude=*", f"--dirty={_CHANGED}"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def device_name(device: torch.device) -> str:
    """The name of a device.

    Args:
        device: such as `cpu` or `cuda:0`.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
