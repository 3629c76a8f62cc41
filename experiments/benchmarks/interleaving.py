"""A trainer that makes one step whenever it is told to, so that several can take turns."""

import logging
import threading
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from hydra.utils import instantiate
from pytorch_lightning import Callback, Trainer
from torch.utils.data import DataLoader, Dataset

from oasis.batch import Batch
from oasis.cli.conf import load_config
from oasis.training import GeneratorEMA, StopOnNonFinite, filter_warnings

_MANY = 1_000_000


class Stepper:
    """The module that settings describe, in a trainer of its own, which waits for its turn in a thread.

    A step is one of Lightning's loop: both networks, both optimizers, logging, the average, the check of the losses.

    Args:
        settings: as `python train.py` takes them.
        batch: the same at every step.
        device: `cpu` or `cuda`.
    """

    def __init__(self, settings: Sequence[str], batch: Batch, device: str) -> None:
        filter_warnings()
        logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
        warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")
        cfg = load_config(settings)
        torch.manual_seed(0)
        self.module = instantiate(cfg.model, condition_channels=batch.condition.shape[1])
        self._baton = _Baton(batch)
        self._threads = cfg.trainer.threads
        self._trainer = Trainer(
            accelerator="gpu" if device.startswith("cuda") else device,
            devices=1,
            precision=cfg.trainer.precision,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            benchmark=True,
            callbacks=[GeneratorEMA(bn_batches=0), StopOnNonFinite(), self._baton],
        )
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def step(self) -> None:
        """Train on the batch once."""
        self.around_step(nullcontext())

    def around_step(self, context: AbstractContextManager[Any]) -> None:
        """Train on the batch once within a context, which is entered in the trainer's thread."""
        self._baton.context = context
        self._baton.mine.release()
        if not self._thread.is_alive():
            self._thread.start()
        self._baton.yours.acquire()
        if self._error is not None:
            raise self._error

    def losses(self) -> dict[str, float]:
        """The loss terms of the last step, by their logged names."""
        return {name: float(value) for name, value in self._trainer.callback_metrics.items() if "/" in name}

    def close(self) -> None:
        """End the trainer."""
        self._baton.over = True
        self._baton.mine.release()
        self._thread.join()

    def _run(self) -> None:
        if self._threads is not None:
            torch.set_num_threads(self._threads)  # of this thread's operations
        try:
            self._trainer.fit(self.module, DataLoader(self._baton.dataset, batch_size=None, collate_fn=lambda x: x))
        except _OverError:
            pass
        except BaseException as error:  # handed to whoever waits for the step
            self._error = error
        self._baton.yours.release()


class _Baton(Callback):
    """Passed to the trainer's thread for one step, and back."""

    def __init__(self, batch: Batch) -> None:
        self.mine, self.yours = threading.Semaphore(0), threading.Semaphore(0)
        self.context: AbstractContextManager[Any] = nullcontext()
        self.dataset = _Repeated(batch)
        self.over = False

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Wait for the turn."""
        self.mine.acquire()
        if self.over:
            raise _OverError
        self.context.__enter__()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Hand the turn back; this callback is the last."""
        self.context.__exit__(None, None, None)
        self.yours.release()


class _OverError(Exception):
    """Lightning has no other way out before a batch."""


class _Repeated(Dataset[Batch]):
    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return _MANY

    def __getitem__(self, index: int) -> Batch:
        return self.batch
