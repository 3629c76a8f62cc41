"""Which checkpoint a path means, and where to compute."""

from pathlib import Path

import torch

from oasis.errors import CheckpointError, ConfigurationError
from oasis.training.checkpoints import LAST

_IN_RUN = Path("checkpoints") / LAST


def find_checkpoint(path: Path) -> Path:
    """The file that a path means.

    Args:
        path: a checkpoint; a run folder, whose `checkpoints/last.ckpt` is meant; or a folder of runs, such as
            `runs/demo`, whose newest run is meant.

    Raises:
        CheckpointError: a folder without any.
    """
    if not path.is_dir():
        return path
    found = [path / _IN_RUN, path / LAST]
    found += sorted(path.glob(f"*/{_IN_RUN}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in found:
        if file.is_file():
            return file
    raise CheckpointError(
        f"{path}: no run with a {_IN_RUN} is there. Give a checkpoint or the folder of a run; `make demo` trains a "
        "small one into runs/demo."
    )


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
        raise ConfigurationError(f"device={name}: not to be had here ({reason}). Use device=cpu or auto.") from error
    return device
