"""How fast samples come: the plain reader, which decodes, beside cached samples, which are copied.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.loader [--json FILE] [--root DIR] [--workers N]

The frames are 24 synthetic streets drawn at 2048x1024 (their PNGs have 2.9 MB; genuine ones about 2.2),
or the training split of `--root`. They are linked over and over to 480 samples, so that the cached ones (378 MB) do
not fit into the processor's caches. Both readers go through a DataLoader to the collated batch, by turns.

Caching is measured against decoding every frame once, with as many processes, their start included in both.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Subset

from experiments.benchmarks.measuring import arguments, interleaved, report
from oasis.data import CachedSamples, Cityscapes, FileSamples
from oasis.data.cache import Container, build_cache
from oasis.data.sample import Sample
from oasis.labels import LabelSpace
from oasis.streets import SyntheticStreets

GOAL, GOAL_CACHING = 100, 1.2
FRAMES = 24
BATCH = 20  # as the published recipe
Row = dict[str, Any]


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is `ratio loader VALUE`."""
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--root", type=Path, metavar="DIR", help="genuine frames in the layout of Cityscapes")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=480, help="cached samples (default: %(default)s)")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--folder", help="where to work, on the disk that is meant (default: the system's for files)")
    options = parser.parse_args(words)
    torch.set_num_threads(1)  # "per core" means it
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        root = options.root or _draw(folder / "frames")
        rows = [*_reading(root, folder, options), *_caching(root, folder, options)]
    Console().print(_table(rows, options))
    plain, cached, *_ = (row["samples_per_second_per_core"] for row in rows)
    cost = rows[-1]["times_decoding"]
    print(f"goal: at least {GOAL} times the plain reader; {'met' if cached >= GOAL * plain else 'missed'}")
    print(f"caching takes {cost:.2f} times decoding; goal: at most {GOAL_CACHING}; ", end="")
    print("met" if cost <= GOAL_CACHING else "missed")
    report("loader", cached / plain, rows, options)


def _draw(root: Path) -> Path:
    return SyntheticStreets(train=FRAMES, val=0, height=1024, width=2048, root=str(root)).write()


def _reading(root: Path, folder: Path, options: argparse.Namespace) -> list[Row]:
    """Samples a second of both readers, without and with workers."""
    frames = _open(FileSamples, root, options)
    linked = _link(frames, folder / "linked", max(options.samples, BATCH))
    plain = Subset(_open(FileSamples, linked, options), range(BATCH))
    container = Container(_open(_Remembering, linked, options, len(frames)), folder / "cached")
    build_cache(container, workers=1)
    cached = CachedSamples(container)
    contenders: dict[str, Callable[[], object]] = {}
    sizes: dict[str, tuple[str, int, int]] = {}
    for workers in (0, options.workers):
        for reader, dataset in (("plain", plain), ("cached", cached)):
            name = f"{reader}, {workers} workers"
            contenders[name] = _pass_over(dataset, workers)
            sizes[name] = (reader, workers, len(dataset))
    seconds = interleaved(contenders, options.rounds)
    rates = {name: size / seconds[name] for name, (_, _, size) in sizes.items()}
    return [
        {
            "reader": reader,
            "workers": workers,
            "samples_per_second": rates[name],
            "samples_per_second_per_core": rates[name] / max(1, workers),
            "times_plain": rates[name] / rates[f"plain, {workers} workers"],
        }
        for name, (reader, workers, _) in sizes.items()
    ]


def _caching(root: Path, folder: Path, options: argparse.Namespace) -> list[Row]:
    """Decoding every frame once, and caching them, with as many processes."""
    source = _open(FileSamples, root, options)
    repeated = _open(FileSamples, _link(source, folder / "once", max(FRAMES, len(source))), options)
    container = Container(repeated, folder / "cached")

    def decode() -> None:
        for _ in DataLoader(repeated, batch_size=None, num_workers=options.workers):
            pass

    seconds = interleaved(
        {
            "decoding once": decode,
            "caching": lambda: build_cache(container, options.workers, anew=True, progress=False),
        },
        options.rounds,
        warm_up=1,
    )
    return [
        {
            "reader": name,
            "workers": options.workers,
            "samples_per_second": len(repeated) / value,
            "samples_per_second_per_core": len(repeated) / value / options.workers,
            "times_decoding": value / seconds["decoding once"],
        }
        for name, value in seconds.items()
    ]


class _Remembering(FileSamples):
    """Decodes each of the frames once, however many names they go by."""

    def __init__(self, frames: int, *words: Any) -> None:
        super().__init__(*words)
        self.frames = frames
        self.known: dict[int, Sample] = {}

    def __getitem__(self, index: int) -> Sample:
        frame = index % self.frames
        if frame not in self.known:
            self.known[frame] = super().__getitem__(frame)
        return self.known[frame]


def _open(kind: Callable[..., FileSamples], root: Path, options: argparse.Namespace, *more: Any) -> Any:
    return kind(*more, Cityscapes(root), "train", LabelSpace.cityscapes_ids(), options.height, options.width)


def _link(frames: FileSamples, root: Path, count: int) -> Path:
    """A dataset in which the frames appear again and again."""
    photos, maps = root / "leftImg8bit" / "train" / "city", root / "gtFine" / "train" / "city"
    photos.mkdir(parents=True)
    maps.mkdir(parents=True)
    for k in range(count):
        files = frames.files[k % len(frames)]
        stem = f"city_{k:06d}_000019"
        (photos / f"{stem}_leftImg8bit{files.photo.suffix}").symlink_to(files.photo.absolute())
        (maps / f"{stem}_gtFine_labelIds.png").symlink_to(files.label.absolute())
        if files.instance is not None:
            (maps / f"{stem}_gtFine_instanceIds.png").symlink_to(files.instance.absolute())
    return root


def _pass_over(dataset: Any, workers: int) -> Callable[[], None]:
    """Reads everything once, shuffled, in batches; the workers stay, as they do in training."""
    loader = DataLoader(dataset, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)

    def act() -> None:
        for _ in loader:
            pass

    return act


def _table(rows: list[Row], options: argparse.Namespace) -> Table:
    table = Table(title=f"Samples of {options.height}x{options.width}, medians of {options.rounds} turns")
    for name in ("what", "processes", "samples/s", "samples/s per core", "times plain"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for row in rows:
        ratio = f"{row['times_plain']:.1f}" if "times_plain" in row else f"{1 / row['times_decoding']:.2f} of decoding"
        rates = [f"{row[name]:.1f}" for name in ("samples_per_second", "samples_per_second_per_core")]
        table.add_row(row["reader"], str(row["workers"] or "own"), *rates, ratio)
    return table


if __name__ == "__main__":
    main()
