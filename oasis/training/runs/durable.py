"""Durable checkpoints."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from oasis.errors import NoRoomError, no_room
from oasis.migration import rename_states


class DurableIO(TorchCheckpointIO):
    """Lightning's checkpoint IO, but saved checkpoints are synced to disk.

    Lightning's own builds the complete file in memory, writes it through the folder of temporary files, and does not
    sync.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Write and sync; deletes an incomplete file.

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
                    f"{path}: this checkpoint could not be written, {reason}. Earlier checkpoints are intact. "
                    "Make room, or keep fewer (callbacks.checkpoints.keep_last, keep_every_batches), and continue with "
                    "resume=last."
                ) from full
            raise

    def load_checkpoint(self, *arguments: Any, **settings: Any) -> dict[str, Any]:
        """Read, and migrate the names of states."""
        return rename_states(super().load_checkpoint(*arguments, **settings))
