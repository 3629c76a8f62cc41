"""Tiny trainings in processes of their own, to be disturbed."""

import multiprocessing
import os
import random
import runpy
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

ROOT = Path(__file__).parents[2]
EVERY = 2  # batches from checkpoint to checkpoint
BATCHES = 12
SETTINGS = (
    "experiment=smoke",
    "name=run",
    "resume=auto",
    "data.streets.train=8",
    "data.streets.val=2",
    "data.num_workers=1",
    "data.worker_timeout=15",  # torch may lose the news of a death while it starts another process
    "generator.channels=2",
    "generator.spade_channels=4",
    "generator.noise_dim=4",
    "generator.num_blocks=4",
    "discriminator.channels=4",
    "discriminator.num_blocks=4",
    "trainer.max_epochs=3",
    "trainer.limit_train_batches=null",
    "trainer.enable_progress_bar=false",
    "callbacks.ema.bn_batches=1",
    "callbacks.progress_bar=null",
    "callbacks.image_logger=null",
    "callbacks.loss_plot=null",
    f"callbacks.checkpoints.every_batches={EVERY}",
    "callbacks.checkpoints.keep_last=2",
    "+callbacks.tally._target_=experiments.reliability.trainings.Tally",
)
COMPARED = ("state_dict", "optimizer_states", "generator_ema", "progress")


class Tally(Callback):
    """Counts batches in a file, in a way that survives `kill -9`.

    Args:
        path: gets a byte a batch.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count one; of several processes, the first does."""
        if not trainer.is_global_zero:
            return
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, b".")
        os.close(handle)


class Training:
    """A run in a folder of its own, started as often as it takes.

    Args:
        folder: of its runs; made.
        tally: the file that counts its batches, outside of the folder, whose disk may be full.
        settings: on top of the common ones.
    """

    def __init__(self, folder: Path, tally: Path, settings: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.tally = tally
        self.settings = settings
        self.starts = 0
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, *overrides: str) -> BaseProcess:
        """Begin, or go on."""
        self.starts += 1
        output = self.folder / "run" / f"{self.starts:02d}"
        process: BaseProcess = _context().Process(
            target=_train, args=(self.folder, output, self.tally, (*self.settings, *overrides))
        )
        process.start()
        return process

    def finish(self) -> list[int]:
        """Start until a run ends well, at most five times; the exit codes."""
        codes: list[int] = []
        while not codes or (codes[-1] != 0 and len(codes) < 5):
            codes.append(ended(self.start()))
        return codes

    def checkpoints(self) -> list[Path]:
        """All there are, the newest first."""
        return sorted(self.folder.glob("run/*/checkpoints/last*.ckpt"), key=_age, reverse=True)

    def batches(self) -> int:
        """How many were trained on, repeated ones included."""
        return self.tally.stat().st_size if self.tally.exists() else 0

    def result(self) -> dict[str, Any]:
        """What the finished run has learnt."""
        checkpoint: dict[str, Any] = torch.load(self.checkpoints()[0], weights_only=True)
        return {name: checkpoint[name] for name in COMPARED}


def ended(process: BaseProcess, within: float = 120.0) -> int:
    """Wait for the end of a process.

    Raises:
        TimeoutError: it hangs.
    """
    process.join(within)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"a training hung for {within:.0f} s")
    return process.exitcode


def difference(ours: object, theirs: object, place: str = "") -> str:
    """Where two states differ first, bit for bit; empty if nowhere."""
    if isinstance(ours, torch.Tensor) and isinstance(theirs, torch.Tensor):
        equal = ours.dtype == theirs.dtype and torch.equal(ours, theirs)
    elif isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return next(filter(None, (difference(ours[key], theirs[key], f"{place}/{key}") for key in ours)), "")
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next(filter(None, (difference(a, b, f"{place}/{i}") for i, (a, b) in pairs)), "")
    else:
        equal = type(ours) is type(theirs) and ours == theirs
    return "" if equal else place


def wait_a_while(process: BaseProcess, chance: random.Random, longest: float) -> None:
    """Sleep for a random time, or until the process ends."""
    process.join(chance.uniform(0, longest))


def readers(process: BaseProcess) -> list[int]:
    """The processes that read data for a training."""
    with suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    return []


def ranks(process: BaseProcess) -> list[int]:
    """The processes that train together, as far as they have started; the first is the one that started the others."""
    started = [pid for pid in readers(process) if b"LOCAL_RANK=1" in _read(f"/proc/{pid}/environ")]
    return [process.pid or 0, *started]


def gone(pid: int, within: float) -> bool:
    """Whether a process that need not be a child of this one ends in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        state = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        if not state or state[0] in (b"Z", b"X"):
            return True
        time.sleep(0.1)
    return False


def _read(path: str) -> bytes:
    with suppress(OSError):
        return Path(path).read_bytes()
    return b""


def send_to_all(process: BaseProcess, number: signal.Signals) -> None:
    """Signal a training and the processes that read data for it, once they are a group."""
    while process.is_alive() and process.pid is not None:
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, number)
                return
        process.join(0.01)


def send(pid: int | None, number: signal.Signals) -> None:
    """Signal a process that may have ended already."""
    with suppress(ProcessLookupError, TypeError):
        os.kill(pid, number)  # type: ignore[arg-type]


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _context() -> Any:
    """Processes that find everything imported: a start takes a fraction of a second."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["train", "experiments.reliability.trainings"])
    return context


def _train(folder: Path, output: Path, tally: Path, overrides: tuple[str, ...]) -> None:
    """What `python train.py` does, in this process."""
    os.setpgid(0, 0)  # a group of its own, as in a terminal
    log = os.open(f"{tally}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    torch.set_num_threads(1)
    multiprocessing.set_start_method("fork", force=True)  # for the processes that read data, as where nothing is said
    paths = (f"paths.runs={folder}", f"paths.output_dir={output}", f"+callbacks.tally.path={tally}")
    settings = [setting for setting in SETTINGS if not any(other.startswith(_name(setting)) for other in overrides)]
    if any(other.startswith("model=") for other in overrides):  # its networks have sizes of their own
        settings = [setting for setting in settings if not setting.startswith(("generator.", "discriminator."))]
    sys.argv = ["train.py", *settings, *paths, *overrides]
    runpy.run_path(str(ROOT / "train.py"), run_name="__main__")


def _name(setting: str) -> str:
    return setting.split("=")[0] + "="
