"""What `oasis prepare` does once its words are read."""

import time
from collections.abc import Sequence
from typing import Any

from hydra.utils import instantiate
from rich.console import Console

from oasis.cli.conf import load_config
from oasis.data import LabelMapDataModule
from oasis.data.cache import build_cache
from oasis.data.datamodule import TRAINING_SPLITS
from oasis.encodings import Semantic

_OURS = (
    "data.batch_size=1",
    "data.build_cache=false",
    "data.use_cache=true",
)  # no batches; and cached below, with a word


def prepare_splits(overrides: Sequence[str], workers: int | None, anew: bool, verify: bool) -> None:
    """Cache what training reads, and say where it lies and what it took.

    Args:
        overrides: Hydra's, as `python train.py` takes them.
        workers: processes that decode; None = one a core.
        anew: replace good samples too.
        verify: compare all checksums.

    Raises:
        ConfigurationError: a setting that does not exist.
        DatasetError: no dataset there, a file that is not what it should be, no room.
    """
    config: Any = load_config([*overrides, *_OURS])
    data: LabelMapDataModule = instantiate(config.data, encoding=Semantic(instantiate(config.label_space)))
    data.prepare_data()
    console = Console(highlight=False, soft_wrap=True)
    for split in TRAINING_SPLITS:
        container = data.container(split)
        start = time.perf_counter()
        written = build_cache(container, workers, anew, verify)
        seconds = time.perf_counter() - start
        done = f"cached in {seconds:.1f} s" if written else "good, and there already"
        if verify and not written:
            done = f"there already, every checksum right ({seconds:.1f} s)"
        console.print(
            f"{split}: {len(container)} samples of {data.height}x{data.width}, {container.bytes / 1e6:.1f} MB, {done}: "
            f"{container.folder}",
            markup=False,
        )
    console.print("Training with the same data settings reads them by itself.")
