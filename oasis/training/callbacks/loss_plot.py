"""Plotting the loss curves."""

from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.utilities import rank_zero_only

from oasis.visualize import plot_losses


class LossPlot(Callback):
    """Draws the logged loss terms after every epoch and at the end of training.

    Args:
        path: the PNG to write.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws the curves so far."""
        self._draw(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws the complete curves."""
        self._draw(trainer)

    @rank_zero_only
    def _draw(self, trainer: Trainer) -> None:
        for logger in trainer.loggers:
            if isinstance(logger, CSVLogger):
                logger.save()
                table = Path(logger.log_dir) / logger.experiment.NAME_METRICS_FILE
                if table.is_file():
                    plot_losses(table, self.path)
                return
