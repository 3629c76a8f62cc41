"""How long a training step of small networks takes, against an earlier commit.

    python -m experiments.benchmarks.small_step [--base COMMIT] [--rounds 20] [--threads 2] [--only NAME] [--json FILE]

Both commits train by their own settings, each in a process of its own, and take turns on the same street; compared are
the medians. `--busy` lets a process of one thread compute beside them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from experiments.benchmarks.measuring import ROOT, arguments, report

BASE = "d737f88"  # before small steps were looked at
_LARGER = ("data.height=128", "data.width=256", "generator.channels=16", "discriminator.channels=32")
CASES: dict[str, tuple[tuple[str, ...], float]] = {  # settings, and the goal
    "demo": (("experiment=demo",), 2.0),
    "study": (("experiment=study",), 2.0),
    "128x256": (("experiment=demo", *_LARGER), 1.5),
}
_WORKER = """
import sys, time, torch
from experiments.benchmarks.interleaving import Stepper
from experiments.benchmarks.train_step import street_batch
settings = [*sys.argv[1:], "data.streets.train=1", "data.streets.val=1", "paths.output_dir=unused"]
stepper = Stepper(settings, street_batch(settings, 1, torch.device("cpu")), "cpu")
for _ in range(3):
    stepper.step()
print("ready", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    stepper.step()
    print(time.perf_counter() - start, flush=True)
"""
_BUSY = "import torch; torch.set_num_threads(1); x = torch.randn(512, 512)\nwhile True: x @ x"


def main(arguments_: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is `ratio small_step VALUE`, the smallest one of all cases."""
    options = _parser().parse_args(arguments_)
    rows = []
    with ExitStack() as stack:
        base = stack.enter_context(_checkout(options.base))
        if options.busy:
            stack.enter_context(_running([sys.executable, "-c", _BUSY], ROOT, 1))
        for name in options.only or CASES:
            settings, goal = CASES[name]
            before, after = measure((base, ROOT), [*settings, *options.settings], options.threads, options.rounds)
            rows.append({"name": name, "before": before, "after": after, "ratio": before / after, "goal": goal})
    Console().print(_table(rows, options))
    report("small_step", min(float(row["ratio"]) for row in rows), rows, options)


def measure(checkouts: Sequence[Path], settings: Sequence[str], threads: int, rounds: int) -> list[float]:
    """The median seconds of a step of each checkout, which take turns."""
    with ExitStack() as stack:
        command = [sys.executable, "-W", "ignore", "-c", _WORKER, *settings]
        workers = [stack.enter_context(_running(command, checkout, threads)) for checkout in checkouts]
        for worker in workers:
            _answer(worker)
        seconds: list[list[float]] = [[] for _ in workers]
        for _ in range(rounds):
            for worker, times in zip(workers, seconds, strict=True):
                assert worker.stdin is not None
                worker.stdin.write("step\n")
                worker.stdin.flush()
                times.append(float(_answer(worker)))
    return [median(times) for times in seconds]


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    """The files of a commit in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


@contextmanager
def _running(command: Sequence[str], folder: Path, threads: int) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": str(threads)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _answer(worker: "subprocess.Popen[str]") -> str:
    """The next line that is `ready` or a number; progress of drawing comes before."""
    assert worker.stdout is not None
    for line in worker.stdout:
        words = line.split()
        if len(words) == 1 and (words[0] == "ready" or words[0].replace(".", "").replace("e-", "").isdigit()):
            return words[0]
    raise SystemExit("A contender has ended; its error is above.")


def _parser() -> argparse.ArgumentParser:
    parser = arguments(__doc__, rounds=20)
    parser.add_argument("settings", nargs="*", help="further settings of both")
    parser.add_argument("--base", default=BASE, metavar="COMMIT", help="what to compare with (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of each process (default: %(default)s)")
    parser.add_argument("--only", nargs="*", choices=CASES, help="cases; default: all")
    parser.add_argument("--busy", action="store_true", help="beside another process that computes with one thread")
    return parser


def _table(rows: Sequence[dict[str, object]], options: argparse.Namespace) -> Table:
    beside = ", beside a busy process" if options.busy else ""
    table = Table(title=f"a training step, {options.threads} threads{beside}; before: {options.base}")
    for heading in ("", "before, s", "after, s", "faster", "goal"):
        table.add_column(heading, justify="right" if heading else "left")
    for row in rows:
        table.add_row(
            str(row["name"]), f"{row['before']:.3f}", f"{row['after']:.3f}", f"{row['ratio']:.2f}", f"{row['goal']:g}"
        )
    return table


if __name__ == "__main__":
    main()
