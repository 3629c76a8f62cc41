"""Read spoilt checkpoints and see that only documented errors come of it.

`python -m experiments.reliability.fuzz_checkpoints --count 1000`
"""

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from experiments.reliability.checkpoint_mutations import BY_ACCIDENT, MUTATIONS, Mutation
from experiments.reliability.trainings import Training, difference, ended
from oasis.checkpoint import restore
from oasis.checkpoint.reading import load
from oasis.checkpoint.resuming import find_to_resume
from oasis.errors import OasisError

LONGEST = 10  # seconds
LARGEST = 600  # MB


def fuzz(whole: Path, count: int, seed: int, folder: Path) -> tuple[dict[str, Counter[str]], list[str]]:
    """Spoil a checkpoint in many ways and read it, as people who generate and as people who resume.

    Args:
        whole: a good checkpoint.
        count: how many spoilt ones.
        seed: of the spoiling.
        folder: for the spoilt file.

    Returns:
        For each mutation what came of it, and what should not have come.
    """
    content = whole.read_bytes()
    config = load(whole)["config"]
    canary, path = folder / "canary", folder / "spoilt.ckpt"
    outcomes: dict[str, Counter[str]] = {mutation.__name__: Counter() for mutation in MUTATIONS}
    faults: list[str] = []
    signal.signal(signal.SIGALRM, _too_long)
    for number in range(count):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        path.write_bytes(spoilt(mutation, content, seed, number, canary))
        before = _peak()
        outcome = "read"
        for read in (lambda: restore(path), lambda: find_to_resume(str(path), folder, config)):
            signal.alarm(LONGEST)
            try:
                read()
            except OasisError as error:
                outcome = "refused"
                if str(path) not in str(error):
                    faults.append(f"{mutation.__name__} {number}: the error does not name the file: {error}")
            except Exception as error:
                faults.append(f"{mutation.__name__} {number}: {type(error).__name__}: {error}")
            finally:
                signal.alarm(0)
        outcomes[mutation.__name__][outcome] += 1
        if outcome == "read" and mutation in BY_ACCIDENT and difference(load(path), load(whole)):
            faults.append(f"{mutation.__name__} {number}: other values were read, and nobody noticed")
        if _peak() - before > LARGEST:
            faults.append(f"{mutation.__name__} {number}: took {_peak() - before} MB")
        if canary.exists():
            faults.append(f"{mutation.__name__} {number}: code was run")
            canary.unlink()
    return outcomes, faults


def spoilt(mutation: Mutation, content: bytes, seed: int, number: int, canary: Path) -> bytes:
    """The file of that number; the same whenever it is asked for."""
    return mutation(content, random.Random(f"{seed} {number}"), canary)


def resume_some(whole: Path, count: int, seed: int, folder: Path) -> list[str]:
    """Resume complete trainings from intact files with wrong contents; returns unexpected outcomes."""
    content = whole.read_bytes()
    faults = []
    for number in range(count):
        path = folder / "wrong.ckpt"
        mutation = next(mutation for mutation in MUTATIONS if mutation.__name__ == "structure")
        path.write_bytes(spoilt(mutation, content, seed, number, folder / "canary"))
        training = Training(folder / f"wrong_{number}", folder / f"wrong_{number}.tally")
        code = ended(training.start(f"resume={path}", "trainer.max_epochs=4"))
        said = Path(f"{training.tally}.log").read_text()
        if code not in (0, 1) or "Traceback" in said or (code == 1 and "error: " not in said):
            faults.append(f"resumed {number}: ended with {code}, see {training.tally}.log")
    return faults


def _peak() -> int:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"hung for {LONGEST} s")


def main() -> None:
    """Fuzz and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--resumed", type=int, default=30, help="whole trainings that resume from a wrong file")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp(prefix="fuzz_"))
    os.environ["PANOPTIC_OASIS_CACHE"] = str(folder / "cache")
    training = Training(folder / "whole", folder / "tally")
    if training.finish() != [0]:
        sys.exit(f"a training fails, see {folder}/tally.log")
    whole = training.checkpoints()[0]
    start = time.monotonic()
    outcomes, faults = fuzz(whole, arguments.count, arguments.seed, folder)
    seconds = time.monotonic() - start
    faults += resume_some(whole, arguments.resumed, arguments.seed, folder)
    table = Table("mutation", "files", "refused", "read")
    for name, counts in outcomes.items():
        table.add_row(name, *map(str, (counts.total(), counts["refused"], counts["read"])))
    Console(width=100).print(table)
    print(f"{arguments.count} files in {seconds:.0f} s; {arguments.resumed} trainings resumed from wrong ones")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
