"""Random numbers that go on after a resume where they were cut off."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from oasis.errors import CheckpointError

_KEY = "random_state"


class RandomState(Callback):
    """Keeps torch's random state in the checkpoint and restores it when training goes on.

    torch's alone: data is read without random numbers, and noise, flips and LabelMix coins are drawn by torch.
    """

    def __init__(self) -> None:
        self._restore: dict[str, Any] | None = None

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Put the states of the CPU and of every GPU in."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        checkpoint[_KEY] = {"cpu": torch.get_rng_state(), "cuda": cuda}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Remember them until training starts: what runs before may draw random numbers of its own.

        Raises:
            CheckpointError: the run that wrote the checkpoint kept no random state.
        """
        if _KEY not in checkpoint:
            raise CheckpointError(
                "The checkpoint holds no random state, so the run that wrote it had callbacks.random_state=null. "
                "Resume it with callbacks.random_state=null."
            )
        self._restore = checkpoint[_KEY]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore them."""
        if self._restore is None:
            return
        torch.set_rng_state(self._restore["cpu"].cpu())
        if len(self._restore["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([state.cpu() for state in self._restore["cuda"]])
        self._restore = None
