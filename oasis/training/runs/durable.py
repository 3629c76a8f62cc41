"""Files that are on the disk as a whole, or not at all."""

import os
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from oasis.errors import NoRoomError, no_room


class DurableIO(TorchCheckpointIO):
    """Lightning's way to files, but a checkpoint that was saved has reached the disk.

    Lightning's own collects the whole file in memory first, writes it to the folder for temporary files, and leaves it
    to the system when it reaches the disk.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Write, and wait for the disk; what cannot be finished is taken away again.

        Raises:
            NoRoomError: the disk is full.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
        except BaseException as error:
            with suppress(OSError):
                path.unlink()
            if full := no_room(error):
                reason = str(full.strerror).lower()
                raise NoRoomError(
                    f"{path}: this checkpoint could not be written, {reason}. Checkpoints before it are as they were. "
                    "Make room, or keep fewer (callbacks.checkpoints.keep_last, keep_every_batches), and go on with "
                    "resume=last."
                ) from full
            raise


def put_in_place(finished: Path, target: Path, keep: int) -> None:
    """Give a finished file its name, and older files of that name a number.

    At any moment there is a good file: `target`, or, between two renames, the one with number 1.

    Args:
        finished: has reached the disk.
        target: its name from now on, such as `last.ckpt`.
        keep: how many older ones stay, as `last-1.ckpt` (the newest of them), `last-2.ckpt`, ...
    """
    aged = [target, *(older(target, age) for age in range(1, keep + 1))]
    for newer, elder in reversed(list(pairwise(aged))):
        if newer.exists():
            newer.replace(elder)
    finished.replace(target)
    _sync_folder(target.parent)


def older(path: Path, age: int) -> Path:
    """The name of what `path` was some writings ago."""
    return path.with_name(f"{path.stem}-{age}{path.suffix}")


def _sync_folder(folder: Path) -> None:
    """Names reach the disk with their folder; not every file system can be asked for it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
