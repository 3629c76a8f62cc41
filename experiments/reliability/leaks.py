"""Whether memory or open files grow while training goes on: `python -m experiments.reliability.leaks --batches 500`."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning import Callback, LightningModule, Trainer

from experiments.reliability.trainings import Training

WARM = 1 / 4  # of the batches: caches fill, and the allocator keeps what it was given
MOST_KILOBYTES = 20.0  # a batch; a leak of one picture of 32x64 pixels would be 24
MOST_FILES = 0.01  # a batch
SETTINGS = (
    "trainer.max_epochs=-1",
    "callbacks.checkpoints.every_batches=25",
    "+callbacks.meter._target_=experiments.reliability.leaks.Meter",
)


class Meter(Callback):
    """Writes down after each batch what the process holds.

    Args:
        path: gets a line a batch: resident kilobytes, open files.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        kilobytes = pages * os.sysconf("SC_PAGE_SIZE") // 1024
        with Path(self.path).open("a") as file:
            file.write(f"{kilobytes} {len(os.listdir('/proc/self/fd'))}\n")


def measure(batches: int, root: Path) -> NDArray[np.float64]:
    """What a training process holds after each batch, (batches, 2): resident kilobytes, open files."""
    training = Training(root / "runs", root / "tally")
    path = root / "meter"
    process = training.start(*SETTINGS, f"+callbacks.meter.path={path}", f"trainer.max_steps={2 * batches}")
    process.join()
    if process.exitcode != 0:
        sys.exit(f"the training fails:\n{Path(f'{training.tally}.log').read_text()}")
    return np.loadtxt(path)


def slopes(measured: NDArray[np.float64]) -> tuple[float, float]:
    """Kilobytes and open files a batch: the line through all batches after the first quarter."""
    late = measured[int(len(measured) * WARM) :]
    kilobytes, files = np.polyfit(np.arange(len(late)), late, 1)[0]
    return float(kilobytes), float(files)


def main() -> None:
    """Train, measure, and print the slopes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=500)
    batches = parser.parse_args().batches
    with tempfile.TemporaryDirectory(prefix="leaks_") as folder:
        os.environ["PANOPTIC_OASIS_CACHE"] = f"{folder}/cache"
        measured = measure(batches, Path(folder))
    kilobytes, files = slopes(measured)
    print(f"{batches} batches, with validations and checkpoints in between")
    print(f"memory: {measured[-1, 0] / 1024:.0f} MB at the end, {kilobytes:+.2f} kB a batch")
    print(f"open files: {measured[-1, 1]:.0f} at the end, {files:+.4f} a batch")
    if kilobytes > MOST_KILOBYTES or files > MOST_FILES:
        sys.exit(f"more than {MOST_KILOBYTES} kB or {MOST_FILES} files a batch")


if __name__ == "__main__":
    main()
