"""Speed and remaining time of training."""

import math
import time
from datetime import timedelta
from typing import Any, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import TQDMProgressBar

from oasis.training.base import find_callback, on_host
from oasis.training.module import GANModule, as_gan_module
from oasis.training.runs.throughput import images_per_second

_SHOWN = ("generator/adversarial", "discriminator/real", "discriminator/fake")
_SECONDS_BETWEEN_READINGS = 1.0


class Throughput(Callback):
    """Logs images per second and the remaining time.

    Measured from the end of the first batch of this process, which compiles and warms up, including validation,
    pictures and checkpoints, so that the remaining time is wall-clock time.
    """

    def __init__(self) -> None:
        self.images_per_second = 0.0
        self.seconds_to_go = 0.0
        self._start = (0.0, 0, 0)  # time, batches, images
        self._warm = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts the clock."""
        self._warm = False
        self._restart(as_gan_module(pl_module))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Logs speed and remaining time."""
        start, first_batch, first_image = self._start
        module = as_gan_module(pl_module)
        batches = module.batches_seen - first_batch
        seconds = time.monotonic() - start
        self.images_per_second = images_per_second(module.images_seen - first_image, seconds)
        self.seconds_to_go = seconds / max(batches, 1) * max(total_batches(trainer) - module.batches_seen, 0)
        pl_module.log_dict(on_host({"speed/images_per_second": self.images_per_second}), batch_size=len(batch))
        if not self._warm:
            self._restart(module)
            self._warm = True

    def _restart(self, module: GANModule) -> None:
        self._start = (time.monotonic(), module.batches_seen, module.images_seen)


class ProgressBar(TQDMProgressBar):
    """Lightning's progress bar with images per second and the time to the end of the run.

    Losses are read from the device once a second, not in every batch, since the host has to wait for them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._losses: dict[str, Any] = {}
        self._read_at = -math.inf

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """The values behind the bar."""
        if time.monotonic() - self._read_at >= _SECONDS_BETWEEN_READINGS:
            metrics = trainer.callback_metrics
            self._losses = {name: f"{metrics[name].item():.3f}" for name in _SHOWN if name in metrics}
            self._read_at = time.monotonic()
        items = dict(self._losses)
        throughput = find_callback(trainer, Throughput)
        if throughput:
            items["images/s"] = f"{throughput.images_per_second:.2f}"
            if math.isfinite(throughput.seconds_to_go):
                items["to go"] = str(timedelta(seconds=round(throughput.seconds_to_go)))
        return items


def total_batches(trainer: Trainer) -> float:
    """The number of batches at the end of the run; infinite without a limit."""
    batches_a_step = as_gan_module(trainer.lightning_module).accumulation.batches
    by_epochs = trainer.num_training_batches * trainer.max_epochs if trainer.max_epochs not in (None, -1) else None
    by_steps = trainer.max_steps / len(trainer.optimizers) * batches_a_step if trainer.max_steps >= 0 else None
    bounds = [bound for bound in (by_epochs, by_steps) if bound is not None]
    return float(min(bounds, default=float("inf")))


def reached_end(trainer: Trainer) -> bool:
    """Whether a run has reached its `max_epochs` or `max_steps`, and was not stopped.

    It does not count batches: a dataset may have grown since the first epochs of a resumed run.
    """
    epochs = cast(Any, trainer.fit_loop.epoch_progress.current).processed
    by_epochs = trainer.max_epochs not in (None, -1) and epochs >= (trainer.max_epochs or 0)
    by_steps = 0 <= trainer.max_steps <= trainer.global_step
    return by_steps or (by_epochs and trainer.fit_loop.epoch_loop.batch_progress.is_last_batch)
