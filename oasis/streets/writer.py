"""Writing the streets to disk, in the layout of Cityscapes."""

import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from oasis.streets.street import Street

_CITIES = {
    "train": ("ostwick", "larkenau", "brannmoor", "tellingby", "grauvik"),
    "val": ("hollerbeck", "marsfeldt"),
    "test": ("quendelin",),
}
_SPLITS = tuple(_CITIES)
_FRAME = 19  # of a sequence of 30, the annotated frame in Cityscapes
_FEW = 64  # images; fewer are drawn faster than a worker process starts
_CHUNK = 16

Draw = Callable[[np.random.SeedSequence, int, int], Street]
"""From a seed, a height and a width to a street."""


@dataclass(frozen=True)
class Picture:
    """One image to be drawn: a street, its place in the dataset, its size, and what draws it."""

    split: str
    index: int
    seed: int
    height: int
    width: int
    version: int
    draw: Draw

    @property
    def city(self) -> str:
        """The made-up city it belongs to."""
        return _CITIES[self.split][self.index % len(_CITIES[self.split])]

    @property
    def stem(self) -> str:
        """The prefix of its files' names."""
        return f"{self.city}_{self.index // len(_CITIES[self.split]):06d}_{_FRAME:06d}"

    def write(self, root: Path) -> None:
        """Draws the street and writes its four files below a dataset's root."""
        origin = np.random.SeedSequence([self.version, self.seed, _SPLITS.index(self.split), self.index])
        street = self.draw(origin, self.height, self.width)
        photos = root / "leftImg8bit" / self.split / self.city
        truths = root / "gtFine" / self.split / self.city
        _save(street.photo, photos / f"{self.stem}_leftImg8bit.png")
        _save(street.label, truths / f"{self.stem}_gtFine_labelIds.png")
        _save(street.instance, truths / f"{self.stem}_gtFine_instanceIds.png")
        _save(street.color, truths / f"{self.stem}_gtFine_color.png")


def draw_all(root: Path, pictures: list[Picture], workers: int, progress: bool) -> None:
    """Draws pictures into a dataset's folders, which are created.

    Args:
        root: the dataset's root.
        pictures: what to draw; the files' contents do not depend on the order or the process.
        workers: number of processes; with one, with few pictures, or if it is itself the worker of a pool, this process
            draws all.
        progress: whether to show a bar on stderr.
    """
    for split, city in sorted({(picture.split, picture.city) for picture in pictures}):
        (root / "leftImg8bit" / split / city).mkdir(parents=True, exist_ok=True)
        (root / "gtFine" / split / city).mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("drawing synthetic streets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bar:
        task = bar.add_task("streets", total=len(pictures))
        for done in _drawn(root, pictures, workers):
            bar.advance(task, done)


def _drawn(root: Path, pictures: list[Picture], workers: int) -> Iterator[int]:
    # Not every worker of a pool may start processes of its own: those of a sweep by joblib cannot.
    if workers == 1 or len(pictures) < _FEW or multiprocessing.parent_process():
        for picture in pictures:
            picture.write(root)
            yield 1
        return
    # Spawned, since a parent that has loaded torch runs threads, which do not survive a fork.
    pool = ProcessPoolExecutor(
        min(workers, math.ceil(len(pictures) / _CHUNK)),
        mp_context=multiprocessing.get_context("spawn"),
    )
    try:
        with _without_main():
            tasks = [
                pool.submit(_write_some, root, pictures[start : start + _CHUNK])
                for start in range(0, len(pictures), _CHUNK)
            ]
        for task in as_completed(tasks):
            yield task.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _write_some(root: Path, pictures: list[Picture]) -> int:
    for picture in pictures:
        picture.write(root)
    return len(pictures)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keeps spawned workers from importing the program that is running.

    It may import torch, and a script without `if __name__ == "__main__"` would run again in each worker.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _save(picture: NDArray[np.uint8] | NDArray[np.uint16], path: Path) -> None:
    # Low compression: maps become tiny at any level, photos hardly smaller.
    Image.fromarray(picture).save(path, compress_level=1)


def cores() -> int:
    """The number of usable cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
