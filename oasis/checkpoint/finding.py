"""Which checkpoint a path means."""

from pathlib import Path

from oasis.errors import CheckpointError
from oasis.training.callbacks.checkpoints import LAST

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
