"""Finding the checkpoint of a path."""

from pathlib import Path

from oasis.errors import CheckpointError
from oasis.training.callbacks.checkpoints import LAST

_IN_RUN = Path("checkpoints") / LAST


def find_checkpoint(path: Path) -> Path:
    """The checkpoint file of a path.

    Args:
        path: a checkpoint; a run folder, whose `checkpoints/last.ckpt` is meant; or a folder with runs at any depth
            below it, such as `runs/demo` or that of a sweep, whose newest run is meant.

    Raises:
        CheckpointError: a folder without any.
    """
    if not path.is_dir():
        return path
    for file in (path / _IN_RUN, path / LAST):
        if file.is_file():
            return file
    below = [file for file in path.glob(f"**/{_IN_RUN}") if file.is_file()]
    if below:
        return max(below, key=lambda file: file.stat().st_mtime)
    raise CheckpointError(
        f"{path}: no run with a {_IN_RUN} is there or below. Give a checkpoint or the folder of a run; `make demo` "
        "trains a small one into runs/demo."
    )
