"""Validation of data settings before anything is read."""

from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

from oasis.data.samples import Samples
from oasis.errors import ConfigurationError

if TYPE_CHECKING:
    from pytorch_lightning import Trainer


def is_whole(value: object, least: int) -> bool:
    """Whether a setting is a whole number, and large enough; `true` and 1.0 are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def require_batch_size(batch_size: int) -> int:
    """Refuse an invalid batch size.

    Raises:
        ConfigurationError: not a whole number, or below 1.
    """
    if not is_whole(batch_size, 1):
        raise ConfigurationError(f"data.batch_size={batch_size}: a whole number of samples, at least 1, is needed.")
    return batch_size


def require_workers(workers: int | None) -> int | None:
    """Refuse an invalid number of processes.

    Raises:
        ConfigurationError: not a whole number, or below 0.
    """
    if workers is not None and not is_whole(workers, 0):
        raise ConfigurationError(
            f"data.num_workers={workers}: give a whole number of processes; 0 reads in the training process, null "
            "chooses."
        )
    return workers


def require_pixels(pixels: int) -> int:
    """Refuse an invalid limit of pixels.

    Raises:
        ConfigurationError: not a whole number, or below 1.
    """
    if not is_whole(pixels, 1):
        raise ConfigurationError(
            f"data.max_pixels={pixels}: the most pixels that a picture may have, a whole number, at least 1."
        )
    return pixels


def require_use(build_cache: bool, use_cache: bool) -> None:
    """Refuse `build_cache` without `use_cache`.

    Raises:
        ConfigurationError: the cache would be built, but not used.
    """
    if build_cache and not use_cache:
        raise ConfigurationError("data.build_cache=true data.use_cache=false: cached to be left unread; choose one.")


def require_full_batch(train: Samples, batch_size: int) -> None:
    """Refuse a batch size above the size of the training split.

    Raises:
        ConfigurationError: the training split is smaller than a batch.
    """
    if len(train) < batch_size:
        raise ConfigurationError(
            f"data.batch_size={batch_size} is larger than the training split of {train.root}, {len(train)} samples: "
            f"lower it to data.batch_size={len(train)} or less."
        )


def require_even_split(batch_size: int, processes: int) -> None:
    """Refuse a batch size that is not divisible by the number of processes.

    Raises:
        ConfigurationError: the message names the nearest divisible sizes.
    """
    if batch_size % processes:
        below = batch_size // processes * processes
        nearby = f"{below + processes}" if below == 0 else f"{below} or {below + processes}"
        raise ConfigurationError(
            f"data.batch_size={batch_size} cannot be split over {processes} processes (trainer.devices times "
            f"trainer.num_nodes): it is the batch of all of them together. Nearest: data.batch_size={nearby}."
        )


def skip_validation(trainer: "Trainer", root: Path) -> None:
    """Train without validating, since there are no validation samples; warns of what is then not measured."""
    from pytorch_lightning.utilities import rank_zero_warn

    trainer.limit_val_batches = 0
    rank_zero_warn(
        f"{root} has no validation split: no score is measured (FID, KID, mIoU, PQ, loss), no best checkpoint is kept, "
        "and the pictures in samples/ are of training photos."
    )
