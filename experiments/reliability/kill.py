"""Disturb small trainings at random moments, and see that nothing is lost: `python -m experiments.reliability.kill`."""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.reliability.trainings import (
    BATCHES,
    EVERY,
    Training,
    difference,
    ended,
    readers,
    send,
    send_to_all,
    wait_a_while,
)

FULL_DISK = 74
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


def fill_disk(training: Training, process: BaseProcess, chance: random.Random) -> None:
    """Leave no room, until the run has ended of it."""
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
    """

    name: str
    act: Disturb
    most_repeated: int = EVERY
    small_disk: bool = False
    code: int | None = None


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
)


@dataclass
class Row:
    """What came of all rounds of one disturbance."""

    rounds: int = 0
    disturbed: int = 0
    resumed: int = 0
    identical: int = 0
    repeated: int = 0
    faults: list[str] = field(default_factory=list)


def play(disturbance: Disturbance, rounds: int, root: Path, expected: dict[str, Any], longest: float, seed: int) -> Row:
    """All rounds of one disturbance.

    Args:
        disturbance: what to do.
        rounds: how often.
        root: for the runs; each round's are taken away after it.
        expected: what an undisturbed run learns.
        longest: seconds that an undisturbed run takes.
        seed: of the moments.
    """
    row = Row()
    for number in range(rounds):
        chance = random.Random(f"{seed} {disturbance.name} {number}")
        folder = root / "runs"
        mounted = disturbance.small_disk and _mount(folder)
        training = Training(folder, root / f"tally_{disturbance.act.__name__}_{number}")
        try:
            _round(disturbance, training, chance, longest, expected, row)
        except Exception as error:
            row.faults.append(f"round {number}: {type(error).__name__}: {error}")
        finally:
            if mounted:
                subprocess.run(["umount", "-l", folder], check=True)
            shutil.rmtree(folder, ignore_errors=True)
    return row


def _round(
    disturbance: Disturbance,
    training: Training,
    chance: random.Random,
    longest: float,
    expected: dict[str, Any],
    row: Row,
) -> None:
    row.rounds += 1
    process = training.start()
    wait_a_while(process, chance, longest)
    disturbance.act(training, process, chance)
    code = ended(process)
    row.disturbed += code != 0
    wanted = disturbance.code
    if wanted is not None and 0 < training.batches() < BATCHES and code != wanted:
        row.faults.append(f"ended with {code}, not with {wanted}, see {training.tally}.log")
    codes = training.finish()
    row.resumed += codes == [0]
    differs = difference(training.result(), expected)
    row.identical += not differs
    repeated = training.batches() - BATCHES
    row.repeated = max(row.repeated, repeated)
    if codes != [0] or differs or repeated > disturbance.most_repeated:
        row.faults.append(f"{codes}, {repeated} batches repeated, {differs} differs, see {training.tally}.log")


def _mount(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def undisturbed(root: Path) -> tuple[dict[str, Any], float]:
    """What a run learns that is left alone, and how long it takes once all is warm."""
    for name in ("first", "second"):
        start = time.monotonic()
        training = Training(root / name, root / f"tally_{name}")
        if training.finish() != [0]:
            sys.exit(f"an undisturbed run fails:\n{Path(f'{training.tally}.log').read_text()}")
        seconds = time.monotonic() - start
    return training.result(), seconds


def main() -> None:
    """Play all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="disturbances whose name holds this")
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="reliability_"))
    os.environ["PANOPTIC_OASIS_CACHE"] = str(root / "cache")
    expected, seconds = undisturbed(root)
    table = Table("disturbance", "rounds", "disturbed", "resumed", "identical", "most batches repeated")
    faults = []
    for disturbance in DISTURBANCES:
        if arguments.only in disturbance.name:
            row = play(disturbance, arguments.rounds, root, expected, seconds, arguments.seed)
            counts = (row.rounds, row.disturbed, row.resumed, row.identical, row.repeated)
            table.add_row(disturbance.name, *map(str, counts))
            faults += [f"{disturbance.name}: {fault}" for fault in row.faults]
    Console(width=120).print(table)
    print(f"an undisturbed run takes {seconds:.1f} s, {BATCHES} batches, a checkpoint every {EVERY}")
    if faults:
        sys.exit("\n".join(faults))
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
