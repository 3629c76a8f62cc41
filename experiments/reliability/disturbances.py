"""What is done to a training while it runs."""

import os
import random
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from experiments.reliability.trainings import (
    EVERY,
    Training,
    ended,
    gone,
    ranks,
    readers,
    send,
    send_to_all,
)

FULL_DISK = 74
TWO_PROCESSES = ("trainer=ddp_cpu",)
SURVIVES = 60.0  # seconds that a process may take to find out that another one is gone
Disturb = Callable[[Training, BaseProcess, random.Random], None]


def kill_trainer(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """No time for anything."""
    send(process.pid, signal.SIGKILL)


def kill_reader(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """As the kernel does when memory runs out."""
    for pid in readers(process)[:1]:
        send(pid, signal.SIGKILL)


def terminate(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """As schedulers do first."""
    send(process.pid, signal.SIGTERM)


def warn_of_time_limit(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """As SLURM does where it is asked to."""
    send(process.pid, signal.SIGUSR1)


def press_ctrl_c(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """A terminal tells every process of the group."""
    send_to_all(process, signal.SIGINT)


def terminate_group(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """As SLURM does when a job is cancelled."""
    send_to_all(process, signal.SIGTERM)


def kill_rank(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """One of two processes that train together; the other has to end by itself.

    Raises:
        AssertionError: it does not.
    """
    both = ranks(process)
    victim = chance.choice(both)
    send(victim, signal.SIGKILL)
    for pid in both:
        if not gone(pid, SURVIVES):
            send(pid, signal.SIGKILL)
            raise AssertionError(f"process {both.index(pid)} of 2 outlives the other, see {training.tally}.log")


def fill_disk(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """Leave no room, until the run has ended of it.

    Raises:
        AssertionError: it ends otherwise than it should.
    """
    filler = training.folder / "filler"
    if os.path.ismount(training.folder):
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
    elif process.pid is not None and process.is_alive():
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    code = ended(process)
    filler.unlink(missing_ok=True)
    if code not in (0, FULL_DISK):
        raise AssertionError(f"a run on a full disk ended with {code}, not with {FULL_DISK}")


def truncate(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """Kill, and cut off the newest checkpoint somewhere."""
    kill_trainer(training, process, chance)
    ended(process)
    for path in training.checkpoints()[:1]:
        os.truncate(path, chance.randrange(path.stat().st_size))


def flip_byte(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """Kill, and change one byte of the newest checkpoint."""
    kill_trainer(training, process, chance)
    ended(process)
    for path in training.checkpoints()[:1]:
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)


@dataclass
class Disturbance:
    """What is done to a run, and what it may cost.

    Attributes:
        name: of the row.
        act: does it.
        most_repeated: batches that may have to be done again.
        small_disk: whether the run gets a disk of its own, where it may be mounted.
        code: what a disturbed process that has trained returns; None for anything.
        settings: of the run, on top of the common ones.
    """

    name: str
    act: Disturb
    most_repeated: int = EVERY
    small_disk: bool = False
    code: int | None = None
    settings: tuple[str, ...] = ()


DISTURBANCES = (
    Disturbance("kill -9 of the trainer", kill_trainer),
    Disturbance("kill -9 of a reader", kill_reader),
    Disturbance("SIGTERM", terminate, 0, code=143),
    Disturbance("SIGUSR1", warn_of_time_limit, 0, code=138),
    Disturbance("Ctrl-C, to all processes", press_ctrl_c, 0, code=130),
    Disturbance("SIGTERM, to all processes", terminate_group),
    Disturbance("full disk", fill_disk, small_disk=True),
    Disturbance("checkpoint cut off", truncate, 2 * EVERY),
    Disturbance("checkpoint with a flipped bit", flip_byte, 2 * EVERY),
    Disturbance("kill -9 of one of two ranks", kill_rank, settings=TWO_PROCESSES),
)
