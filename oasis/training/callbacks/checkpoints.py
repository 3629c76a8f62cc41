"""Writing checkpoints: the last, every N, and the best."""

import math
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from oasis.errors import UNREADABLE, ConfigurationError, NonFiniteLossError
from oasis.files import put_in_place, replacing
from oasis.migration import migrated_metric, stamped
from oasis.run_names import BEST, LAST
from oasis.training.callbacks.monitor import (
    is_logged_in_every_batch,
    lower_is_better,
    require_logged,
    require_measured,
)
from oasis.training.module import as_gan_module
from oasis.training.runs.durable import DurableIO
from oasis.training.runs.resumption import explain_failure, mark_validation_due, require_fitting_state


class Checkpoints(Checkpoint):
    """Writes `last.ckpt`, kept copies and `best.ckpt` into one folder.

    Lightning's own `ModelCheckpoint` counts optimizer steps (two per batch here) and warns about manual optimisation;
    this one counts batches. Files are written atomically: a run that is killed while writing keeps its earlier
    checkpoints.

    Args:
        folder: where the files go.
        keep_last: number of earlier `last.ckpt` to keep, as `last-1.ckpt`, `last-2.ckpt`, ..., in case the newest is
            damaged.
        every_batches: also write `last.ckpt` at this interval, not only after each epoch; None = no.
        keep_every_batches: also keep a copy, `batch_00012000.ckpt`, at this interval; None = no.
        monitor: a metric of validation; the state with its best value is kept as `best.ckpt`. None = no.
        mode: whether the best is the lowest (`min`) or the highest (`max`); None = by the metric's own direction.

    Attributes:
        newest: the newest `last.ckpt` of this run; None before the first.

    Raises:
        ConfigurationError: an invalid mode; or none for an unknown metric; a negative keep_last; an interval below 1.
    """

    def __init__(
        self,
        folder: str,
        keep_last: int = 1,
        every_batches: int | None = None,
        keep_every_batches: int | None = None,
        monitor: str | None = None,
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        if not isinstance(keep_last, int) or keep_last < 0:
            raise ConfigurationError(
                f"callbacks.checkpoints.keep_last={keep_last}: must be 0 (only last.ckpt) or above."
            )
        for name, interval in (("every_batches", every_batches), ("keep_every_batches", keep_every_batches)):
            if interval is not None and (not isinstance(interval, int) or interval < 1):
                raise ConfigurationError(f"callbacks.checkpoints.{name}={interval}: at least 1, or null for none.")
        self.folder = Path(folder)
        self.keep_last = keep_last
        self.every_batches = every_batches
        self.keep_every_batches = keep_every_batches
        self.monitor = monitor
        self.lower_is_better = monitor is None or lower_is_better(monitor, mode)
        self.best_score = math.inf if self.lower_is_better else -math.inf
        self.newest: Path | None = None
        self._newest_batches = -1
        self._before_validation = False
        self._training = False  # True once a checkpoint, if any, is completely restored

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Makes checkpoints durable."""
        trainer.strategy.checkpoint_io = DurableIO()
        self._training = False

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuses to monitor a metric that will not be logged.

        Raises:
            ConfigurationError: see `require_measured`.
        """
        if self.monitor is not None:
            require_measured(self.monitor, trainer, as_gan_module(pl_module))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Checks the optimizers' states, the last part of a checkpoint to be restored, and copies the best one so far.

        Raises:
            CheckpointError: they do not fit the weights.
        """
        if trainer.ckpt_path is not None:
            require_fitting_state(trainer.optimizers, trainer.ckpt_path)
            if self.monitor is not None and trainer.is_global_zero:
                self._copy_best(Path(trainer.ckpt_path).with_name(BEST))
        self._training = True

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Adds the checkpoint to an error if restoring it failed."""
        if trainer.ckpt_path is not None and not self._training:
            explain_failure(exception, trainer.ckpt_path)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Writes the checkpoints that are due after this batch.

        Raises:
            ConfigurationError: the monitored metric should be logged in every batch, but was not.
        """
        if self.monitor is not None and is_logged_in_every_batch(self.monitor):
            require_logged(self.monitor, trainer.callback_metrics)
        batches = as_gan_module(pl_module).batches_seen
        if self.keep_every_batches and batches % self.keep_every_batches == 0:
            self._write(trainer, f"batch_{batches:08d}.ckpt")
        # A run that ends within an epoch is saved here: afterwards Lightning counts the epoch as finished, and a
        # resumed run would skip the rest of it.
        ending = trainer.should_stop or trainer.global_step >= trainer.max_steps >= 0
        if ending or (self.every_batches and batches % self.every_batches == 0):
            self.save_last(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes `last.ckpt` before validation; a run that resumes from it begins with this validation."""
        if not trainer.sanity_checking:
            self._before_validation = True
            self.save_last(trainer)
            self._before_validation = False

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Marks a due validation."""
        if self._before_validation:
            mark_validation_due(checkpoint)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes `best.ckpt`."""
        if self.monitor is None or trainer.sanity_checking:
            return
        require_logged(self.monitor, trainer.callback_metrics)
        score = trainer.callback_metrics[self.monitor].item()
        if score < self.best_score if self.lower_is_better else score > self.best_score:
            self.best_score = score
            self._write(trainer, BEST)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes `last.ckpt` after every full epoch."""
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self.save_last(trainer)

    def save_last(self, trainer: Trainer) -> None:
        """Writes `last.ckpt` and numbers the previous one, unless it was written after the same batch.

        Raises:
            NoRoomError: the disk is full.
            NonFiniteLossError: weights are NaN or infinite.
        """
        batches = as_gan_module(trainer.lightning_module).batches_seen
        self._write(trainer, LAST, keep=self.keep_last if batches != self._newest_batches else 0)
        self.newest, self._newest_batches = self.folder / LAST, batches

    def state_dict(self) -> dict[str, Any]:
        """The best score so far."""
        return {"best_score": self.best_score, "monitor": self.monitor}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the best score, unless another metric is monitored now."""
        if state_dict["monitor"] is not None and migrated_metric(state_dict["monitor"]) == self.monitor:
            self.best_score = state_dict["best_score"]

    def _copy_best(self, theirs: Path) -> None:
        """Copies the best state of the run that is resumed, unless that run has gone on to a better one since."""
        ours = self.folder / BEST
        if not theirs.is_file() or theirs.resolve() == ours.resolve():
            return
        with suppress(*UNREADABLE):  # a corrupt one is not needed: the score to beat is known
            states = torch.load(theirs, map_location="cpu", weights_only=True, mmap=True)["callbacks"]
            if states[self.state_key]["best_score"] == self.best_score:
                with replacing(ours) as unfinished:
                    shutil.copyfile(theirs, unfinished)

    def _write(self, trainer: Trainer, name: str, keep: int = 0) -> None:
        _require_finite(trainer.lightning_module)
        unfinished = self.folder / f"{name}.part"
        trainer.save_checkpoint(unfinished, weights_only=False)
        if trainer.is_global_zero:
            put_in_place(unfinished, self.folder / name, keep)


def _require_finite(module: LightningModule) -> None:
    """Refuses weights that a step with a finite loss has made non-finite."""
    bad = [name for name, weight in module.named_parameters() if not weight.isfinite().all()]
    if bad:
        raise NonFiniteLossError(
            f"After batch {as_gan_module(module).batches_seen}, {len(bad)} weights are NaN or infinite, "
            f"first {bad[0]}. They were not saved; earlier checkpoints, if any, are intact. "
            "Resume one (resume=FILE) with lower model.generator_optimizer.lr and model.discriminator_optimizer.lr."
        )


class ConfigInCheckpoint(Callback):
    """Puts the configuration into every checkpoint, so that one alone rebuilds encoding and networks.

    Args:
        config: the resolved configuration as plain containers.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = stamped(config)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Adds the configuration."""
        checkpoint["config"] = self.config
