"""Spoilt photos and label maps: each is read, or refused with a `DatasetError`; nothing else ever happens.

    python -m experiments.reliability.fuzz_pictures [--count 10000] [--seed 0] [--timeout 20] [--json FILE]

A child process spoils one file of a sample (`picture_mutations.py`), and reads the sample through `FileSamples`.
The parent watches: a child that dies, needs longer than the timeout, or needs a gigabyte is a failure, as is any other
exception, and a sample that is read but is not what a sample is. Exit status 1 if there was any. Case N of a seed is
always the same: `--first N --count 1 --seed S` repeats it.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from experiments.reliability.picture_mutations import MUTATIONS, Files
from oasis.data import Cityscapes, FileSamples
from oasis.data.faults import FileError
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

_SIZE, _MAP = (48, 96), (24, 48)  # of the files, of the sample
_MOST_MEMORY = 2**30  # bytes that one sample may need
_READ = "read"


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `result` is `read`, a kind of refusal, or what should not be; `good` tells which."""

    mutation: str
    result: str
    good: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases, print what became of them; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="cases (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds for one case (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the counts there")
    options = parser.parse_args(arguments)
    cases = range(options.first, options.first + options.count)
    outcomes: Counter[Outcome] = Counter()
    console = Console(soft_wrap=True, highlight=False)
    with Watched(options.seed, options.timeout) as child:
        for case in track(cases, "fuzzing", console=Console(stderr=True), transient=True):
            outcome = child.run(case)
            outcomes[outcome] += 1
            if not outcome.good:
                console.print(f"case {case} (seed {options.seed}), {outcome.mutation}: {outcome.result}", markup=False)
    console.print(_table(outcomes))
    bad = sum(count for outcome, count in outcomes.items() if not outcome.good)
    console.print(f"{sum(outcomes.values())} cases, {bad} that neither were read nor ended in a DatasetError")
    if options.json is not None:
        rows = [{**vars(outcome), "count": count} for outcome, count in outcomes.items()]
        options.json.write_text(json.dumps({"seed": options.seed, "bad": bad, "rows": rows}, indent=1) + "\n")
    return 1 if bad else 0


class Watched:
    """A child process that runs cases, and is replaced whenever it dies or hangs."""

    def __init__(self, seed: int, timeout: float) -> None:
        self.seed = seed
        self.timeout = timeout

    def __enter__(self) -> "Watched":
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def run(self, case: int) -> Outcome:
        """What becomes of a case."""
        mutation, _ = _choice(self.seed, case)
        self._pipe.send(case)
        try:
            if self._pipe.poll(self.timeout):
                outcome: Outcome = self._pipe.recv()
                return outcome
            result = f"no answer within {self.timeout:g} s"
        except (EOFError, ConnectionError):
            self._child.join(5)
            result = f"its process died with status {self._child.exitcode}"
        self._end()
        self._start()
        return Outcome(mutation, result, good=False)

    def _start(self) -> None:
        context = multiprocessing.get_context("fork" if sys.platform.startswith("linux") else "spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_work, args=(theirs, self.seed), daemon=True)
        self._child.start()
        theirs.close()

    def _end(self) -> None:
        self._pipe.close()
        self._child.kill()
        self._child.join()


def _work(pipe: Connection, seed: int) -> None:
    _bound_memory()
    warnings.simplefilter("ignore")  # Pillow's about odd EXIF data and the like
    with tempfile.TemporaryDirectory() as folder:
        while True:
            try:
                case = pipe.recv()
            except EOFError:
                return
            pipe.send(_run(Path(folder), seed, case))


def _run(root: Path, seed: int, case: int) -> Outcome:
    mutation, rng = _choice(seed, case)
    kind = str(rng.choice(["photo", "label", "instance"]))
    files = good_files(rng, str(rng.choice(["PNG", "JPEG", "TIFF", "WEBP"])))
    spoilt = MUTATIONS[mutation](files, kind, rng)
    _write(root, {**files, kind: spoilt})
    try:
        sample = FileSamples(Cityscapes(root), "train", LabelSpace.cityscapes_ids(), *_MAP)[0]
    except DatasetError as error:
        return Outcome(mutation, error.kind if isinstance(error, FileError) else "ids outside the label space", True)
    except Exception as error:
        return Outcome(mutation, f"{type(error).__name__}: {error}"[:200], good=False)
    right = sample["image"].shape == (3, *_MAP) and sample["label"].shape == sample["instance"].shape == _MAP
    right = right and sample["image"].dtype == torch.uint8 and int(sample["label"].max()) <= 33
    return Outcome(mutation, _READ if right else "read, but not as a sample", good=right)


def _choice(seed: int, case: int) -> tuple[str, np.random.Generator]:
    rng = np.random.default_rng((seed, case))
    return list(MUTATIONS)[int(rng.integers(0, len(MUTATIONS)))], rng


def good_files(rng: np.random.Generator, photo_format: str) -> Files:
    """A small street: a photo of noise, a sky, a road, two cars, and a group of persons."""
    label = np.full(_SIZE, 23, np.uint8)
    label[20:] = 7
    label[16:28, 60:80] = 24
    label[24:36, 10:40] = 26
    instance = label.astype(np.uint16)
    instance[24:36, 10:24] = 26000
    instance[24:36, 24:40] = 26003
    photo = Image.fromarray(rng.integers(0, 256, (*_SIZE, 3)).astype(np.uint8))
    pictures = {"photo": photo, "label": Image.fromarray(label), "instance": Image.fromarray(instance)}
    files = {}
    with tempfile.SpooledTemporaryFile(2**20) as buffer:
        for kind, picture in pictures.items():
            buffer.seek(0)
            buffer.truncate()
            picture.save(buffer, format=photo_format if kind == "photo" else "PNG")
            buffer.seek(0)
            files[kind] = buffer.read()
    return files


def _write(root: Path, files: Files) -> None:
    names = {
        "photo": "leftImg8bit/train/town/a_leftImg8bit.png",
        "label": "gtFine/train/town/a_gtFine_labelIds.png",
        "instance": "gtFine/train/town/a_gtFine_instanceIds.png",
    }
    for kind, name in names.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[kind])


def _bound_memory() -> None:
    """From here on, one gigabyte more and an allocation fails; where the system cannot do that, it is not watched."""
    status = Path("/proc/self/statm")
    if status.exists():
        used = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MOST_MEMORY, used + _MOST_MEMORY))


def _table(outcomes: Counter[Outcome]) -> Table:
    results = sorted({outcome.result for outcome in outcomes if outcome.good}, key=lambda name: (name != _READ, name))
    table = Table(title="what became of spoilt samples")
    table.add_column("mutation", no_wrap=True)
    for result in (*results, "anything else"):
        table.add_column(result, justify="right", overflow="fold")
    for mutation in MUTATIONS:
        counts = [outcomes[Outcome(mutation, result, good=True)] for result in results]
        bad = sum(count for outcome, count in outcomes.items() if outcome.mutation == mutation and not outcome.good)
        table.add_row(mutation, *(str(count) for count in (*counts, bad)))
    return table


if __name__ == "__main__":
    sys.exit(main())
