"""The callback of the W&B logger: beginning, id and checkpoints of its run."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from oasis.training.base import find_callback
from oasis.training.callbacks.checkpoints import Checkpoints, ConfigInCheckpoint
from oasis.training.loggers.wandb_logging import WandbLogger


class WandbRun(Callback):
    """Begins the W&B run with the configuration and the id in the checkpoint.

    A resumed run continues the same W&B run, even in another folder; a new run begins a new one.
    """

    def __init__(self) -> None:
        self._run_id: str | None = None  # of the checkpoint

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins the run before anything is logged."""
        config = find_callback(trainer, ConfigInCheckpoint)
        for logger in _loggers(trainer):
            logger.begin(config.config if config else None, self._run_id)
            self._run_id = logger.run_id

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Uploads the checkpoints, if enabled."""
        checkpoints = find_callback(trainer, Checkpoints)
        for logger in _loggers(trainer):
            if logger.checkpoints and checkpoints:
                logger.log_checkpoints(checkpoints.folder)

    def state_dict(self) -> dict[str, Any]:
        """The id of the run."""
        return {"run_id": self._run_id}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the id."""
        self._run_id = state_dict["run_id"]


def _loggers(trainer: Trainer) -> list[WandbLogger]:
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
