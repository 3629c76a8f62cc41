"""Settings of the data that cannot be: told before anything is read."""

from oasis.data.samples import Samples
from oasis.errors import ConfigurationError


def require_batch_size(batch_size: int) -> int:
    """Refuse a batch without samples.

    Raises:
        ConfigurationError: below 1.
    """
    if batch_size < 1:
        raise ConfigurationError(f"data.batch_size={batch_size}: at least 1 is needed.")
    return batch_size


def require_workers(workers: int | None) -> int | None:
    """Refuse a number of processes that is none.

    Raises:
        ConfigurationError: below 0.
    """
    if workers is not None and workers < 0:
        raise ConfigurationError(f"data.num_workers={workers}: 0 reads in the training process, null chooses.")
    return workers


def require_pixels(pixels: int) -> int:
    """Refuse a bound that no picture meets.

    Raises:
        ConfigurationError: below 1.
    """
    if pixels < 1:
        raise ConfigurationError(f"data.max_pixels={pixels}: the most pixels that a picture may have, at least 1.")
    return pixels


def require_use(build_cache: bool, use_cache: bool) -> None:
    """Refuse to cache samples that are not to be read.

    Raises:
        ConfigurationError: they are not.
    """
    if build_cache and not use_cache:
        raise ConfigurationError("data.build_cache=true data.use_cache=false: cached to be left unread; choose one.")


def require_full_batch(train: Samples, batch_size: int) -> None:
    """Refuse batches that are larger than the training split.

    Raises:
        ConfigurationError: they are.
    """
    if len(train) < batch_size:
        raise ConfigurationError(
            f"data.batch_size={batch_size} is larger than the training split of {train.root}, {len(train)} samples: "
            f"lower it to data.batch_size={len(train)} or less."
        )


def require_even_split(batch_size: int, processes: int) -> None:
    """Refuse batches of which several processes cannot have equal parts.

    Raises:
        ConfigurationError: with the sizes nearby that can be split.
    """
    if batch_size % processes:
        below = batch_size // processes * processes
        nearby = f"{below + processes}" if below == 0 else f"{below} or {below + processes}"
        raise ConfigurationError(
            f"data.batch_size={batch_size} cannot be split over {processes} processes (trainer.devices times "
            f"trainer.num_nodes): it is the batch of all of them together. Nearest: data.batch_size={nearby}."
        )
