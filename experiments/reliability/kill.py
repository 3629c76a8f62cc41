"""Disturb small trainings at random moments, and see that nothing is lost: `python -m experiments.reliability.kill`."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.reliability.disturbances import DISTURBANCES, Disturbance
from experiments.reliability.trainings import BATCHES, EVERY, Training, difference, ended, wait_a_while


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
        training = Training(folder, root / f"tally_{disturbance.act.__name__}_{number}", disturbance.settings)
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


def undisturbed(root: Path, settings: tuple[str, ...] = ()) -> tuple[dict[str, Any], float]:
    """What a run learns that is left alone, and how long it takes once all is warm.

    Args:
        root: for the runs.
        settings: of the run, on top of the common ones.
    """
    for name in ("first", "second"):
        start = time.monotonic()
        folder = root / f"{name}_{len(settings)}"
        training = Training(folder, root / f"tally_{folder.name}", settings)
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
    table = Table("disturbance", "rounds", "disturbed", "resumed", "identical", "most batches repeated")
    faults = []
    alone: dict[tuple[str, ...], tuple[dict[str, Any], float]] = {}
    for disturbance in DISTURBANCES:
        if arguments.only not in disturbance.name:
            continue
        settings = disturbance.settings
        if settings not in alone:
            alone[settings] = undisturbed(root, settings)
        row = play(disturbance, arguments.rounds, root, *alone[settings], arguments.seed)
        counts = (row.rounds, row.disturbed, row.resumed, row.identical, row.repeated)
        table.add_row(disturbance.name, *map(str, counts))
        print(f"{time.strftime('%H:%M')} {disturbance.name}: {counts}", file=sys.stderr, flush=True)
        faults += [f"{disturbance.name}: {fault}" for fault in row.faults]
    Console(width=120).print(table)
    for settings, (_, seconds) in alone.items():
        name = " ".join(("an undisturbed run", *settings))
        print(f"{name} takes {seconds:.1f} s, {BATCHES} batches, a checkpoint every {EVERY}")
    if faults:
        sys.exit("\n".join(faults))
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
