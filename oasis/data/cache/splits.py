"""Caching the splits that training reads, as `oasis prepare` does."""

import time

from rich.console import Console

from oasis.data.cache.writer import build_cache
from oasis.data.datamodule import LabelMapDataModule


def prepare_splits(data: LabelMapDataModule, workers: int | None, anew: bool, verify: bool) -> None:
    """Cache each split, and print its folder and the time it took.

    Args:
        data: the dataset, without `build_cache`.
        workers: processes that decode; None = one per core.
        anew: replace valid samples too.
        verify: compare all checksums.

    Raises:
        DatasetError: an invalid file, or a full disk.
    """
    console = Console(highlight=False, soft_wrap=True)
    for split in data.training_splits:
        if split not in data.cached_splits:
            console.print(f"{split}: not cached, because data.short_side gives samples of different sizes.")
            continue
        container = data.container(split)
        start = time.perf_counter()
        written = build_cache(container, workers, anew, verify)
        seconds = time.perf_counter() - start
        done = f"cached in {seconds:.1f} s" if written else "complete already"
        if verify and not written:
            done = f"complete already, all checksums match ({seconds:.1f} s)"
        size = f"{container.source.height}x{container.source.width}"
        console.print(
            f"{split}: {len(container)} samples of {size}, {container.bytes / 1e6:.1f} MB, {done}: {container.folder}",
            markup=False,
        )
    console.print("Training with the same data settings reads them.")
