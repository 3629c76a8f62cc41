"""Stopping a run on a signal, with a checkpoint."""

import os
import signal
import subprocess
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from oasis.training.base import find_callback
from oasis.training.callbacks.checkpoints import Checkpoints
from oasis.training.module import as_gan_module

_HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
_SIGNALLED = 128  # offset of exit codes for signals


class Stopped(SystemExit):
    """Ends the process after a signal, without a traceback.

    The exit code is the shell's for the signal: 130 for Ctrl-C, 143 for SIGTERM, 138 for SIGUSR1.

    Attributes:
        reason: the signal, and the batch after which the run stopped.
        checkpoint: to resume from; None if the run keeps none.
    """

    def __init__(self, number: int, batches: int, checkpoint: Path | None) -> None:
        super().__init__(_SIGNALLED + number)
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        self.reason = f"Stopped by {name} after batch {batches}."
        self.checkpoint = checkpoint
        self._arguments = (number, batches, checkpoint)

    def __reduce__(self) -> tuple[Any, ...]:
        """For jobs of a sweep in their own processes, which pickle their errors."""
        return type(self), self._arguments


class StopOnSignal(Checkpoint):
    """At Ctrl-C, SIGTERM and SIGUSR1: finishes the batch, writes `last.ckpt`, and ends the process.

    A second Ctrl-C ends it immediately. Several processes agree at the end of each batch, so that all of them end after
    the same one, whichever got the signal. During validation, the process ends after the current batch: `last.ckpt`
    was written before.

    Lightning's own handlers are replaced: they write in the middle of a batch, when one network is a step ahead of the
    other. It is a `Checkpoint` so that Lightning calls it after all other callbacks, and must come after `Checkpoints`.

    Args:
        requeue: at SIGUSR1 in a SLURM job, which `sbatch --signal=USR1@300` sends 300 seconds before the time limit,
            also requeue the job, which should have been started with `resume=auto`.
    """

    def __init__(self, requeue: bool = False) -> None:
        self.requeue = requeue
        self.received = 0  # number of the signal
        self._process = 0
        self._before: dict[int, Any] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Installs the handlers. Data workers are forked after this and inherit that they ignore Ctrl-C."""
        self.received = 0
        self._process = os.getpid()
        self._before = {number: signal.getsignal(number) for number in _HEEDED}
        self._listen()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Installs the handlers again, since Lightning has installed its own for SIGTERM."""
        self._listen()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Writes a checkpoint and stops, if any process got a signal.

        Raises:
            Stopped: it was.
        """
        self.received = self._agree(trainer, pl_module)
        if self.received and not _validation_follows(trainer):
            checkpoints = find_callback(trainer, Checkpoints)
            if checkpoints:
                checkpoints.save_last(trainer)
            self._leave(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stops, if any process got a signal: `last.ckpt` was just written, and a resumed run validates first.

        Raises:
            Stopped: it was.
        """
        if self.received and not trainer.sanity_checking:
            self._leave(trainer)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *where: Any
    ) -> None:
        """Stops, if any process got a signal; a resumed run repeats the validation.

        Raises:
            Stopped: it was.
        """
        if self.received and not trainer.sanity_checking:
            self._leave(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Listen no longer."""
        self._stand_down()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Listen no longer."""
        self._stand_down()

    def _listen(self) -> None:
        try:
            for number in _HEEDED:
                signal.signal(number, self._take_note)
        except ValueError:  # only the main thread gets signals
            self._before = {}

    def _stand_down(self) -> None:
        for number in self._before:
            signal.signal(number, self._former(number))
        self._process = 0  # Lightning may restore this handler later

    def _take_note(self, number: int, frame: FrameType | None) -> None:
        if self._process == 0:
            signal.signal(number, self._former(number))
            os.kill(os.getpid(), number)
        elif os.getpid() != self._process:
            return  # a data worker: its parent decides
        elif number == signal.SIGINT == self.received:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            self.received = number
            told = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
            more = "; once more to end at once" if number == signal.SIGINT else ""
            os.write(2, f"\n{told}: finishing the batch and writing a checkpoint{more}.\n".encode())

    def _former(self, number: int) -> Any:
        """The previous handlers; the default after a first Ctrl-C, so that a second one ends without a traceback."""
        if number == signal.SIGINT == self.received:
            return signal.SIG_DFL
        return self._before.get(number) or signal.SIG_DFL

    def _agree(self, trainer: Trainer, pl_module: LightningModule) -> int:
        if trainer.world_size == 1 or not torch.distributed.is_initialized():
            return self.received
        numbers = torch.tensor(self.received, device=pl_module.device)
        torch.distributed.all_reduce(numbers, op=torch.distributed.ReduceOp.MAX)
        return int(numbers)

    def _leave(self, trainer: Trainer) -> None:
        if self.requeue and self.received == signal.SIGUSR1 and trainer.is_global_zero:
            requeue_job()
        checkpoints = find_callback(trainer, Checkpoints)
        newest = checkpoints.newest if checkpoints else None
        stopped = Stopped(self.received, as_gan_module(trainer.lightning_module).batches_seen, newest)
        if not trainer.is_global_zero:
            stopped.code = 0  # Lightning kills all processes as soon as one of its children fails
        raise stopped


def _validation_follows(trainer: Trainer) -> bool:
    every = trainer.check_val_every_n_epoch
    due = every is None or (trainer.current_epoch + 1) % every == 0
    return trainer.fit_loop.epoch_loop.batch_progress.is_last_batch and trainer.enable_validation and due


def requeue_job() -> None:
    """Requeue this process's SLURM job; warn if that fails."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")
    if job is None:
        warnings.warn("callbacks.stop_on_signal.requeue=true: this is no job of SLURM, start it again.", stacklevel=2)
        return
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or error
        warnings.warn(f"scontrol requeue {job} failed ({said}); submit the job again.", stacklevel=2)
