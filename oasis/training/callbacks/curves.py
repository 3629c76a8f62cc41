"""Keeping the curves of a run that resumes in its own folder."""

import csv
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import CSVLogger

from oasis.migration import migrated_metric
from oasis.training.module import as_gan_module

_METRICS = "metrics.csv"


class KeepCurves(Callback):
    """Keeps the earlier rows of `metrics.csv` of a run that resumes in the same folder.

    Lightning's CSV logger deletes an existing table. Rows of batches after the checkpoint are dropped, since those
    batches are trained on again. Rows up to a checkpoint are written with it, so that none is missing.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: str) -> None:
        self.path = Path(folder, _METRICS)
        self._rows = _read(self.path)  # now, since the logger deletes it before callbacks are called
        self._due = False

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restores the rows up to the checkpoint before anything new is logged."""
        kept = [row for row in self._rows if row["step"] <= as_gan_module(pl_module).batches_seen]
        self._rows = []
        for logger in _tables(trainer):
            if kept and Path(logger.log_dir, _METRICS) == self.path:
                logger.experiment.metrics[:0] = kept
                logger.experiment.save()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: object) -> None:
        """Defers writing rows: Lightning logs a batch after its callbacks, and so after its checkpoint."""
        self._due = True

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int) -> None:
        """Writes the rows up to the last checkpoint."""
        if self._due:
            for logger in _tables(trainer):
                logger.save()
        self._due = False


def _tables(trainer: Trainer) -> list[CSVLogger]:
    if not trainer.is_global_zero:
        return []
    return [logger for logger in trainer.loggers if isinstance(logger, CSVLogger)]


def _read(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    complete = [line for line in lines if line.endswith("\n")]  # the last may be truncated
    rows = [
        {migrated_metric(name): _number(text) for name, text in row.items() if text} for row in csv.DictReader(complete)
    ]
    return [row for row in rows if "step" in row]


def _number(text: str) -> float:
    """A logged number; steps and epochs are integers."""
    try:
        return int(text)
    except ValueError:
        return float(text)
