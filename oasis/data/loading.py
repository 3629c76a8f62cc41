"""Loaders that say what happened to their processes, and that listen to what those could not read."""

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, TypeVar, cast

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.data import DataLoader, Dataset, default_collate

from oasis.data.faults import Refusal
from oasis.data.samples import Sample
from oasis.errors import ConfigurationError, DatasetError, message

_Item = TypeVar("_Item")
_FEW = 16  # samples; fewer are read sooner than processes have started
_TIMED_OUT = "DataLoader timed out"  # torch's words
_LOOK = 5.0  # seconds between looks at processes that give nothing; torch's own interval where it waits for ever


class Collate:
    """Makes a batch of samples, and hands on which others could not be read.

    Args:
        report: told of them, in the process that iterates.
        patience: seconds that this process waits for a batch; 0 = for ever.
    """

    def __init__(self, report: Callable[[Sequence[Refusal]], None], patience: float = 0.0) -> None:
        self.report = report
        self.patience = patience

    def __call__(self, samples: list[Sample]) -> dict[str, Any]:
        """Stack the samples; `refused` is there only where there is something in it."""
        refused = [refusal for sample in samples for refusal in sample.pop("refused", [])]
        batch: dict[str, Any] = default_collate(samples)
        return {**batch, "refused": refused} if refused else batch

    def __getstate__(self) -> dict[str, Any]:
        """Without whom to tell: a process that only makes batches hands on."""
        return {"report": None, "patience": 0.0}


class Loader(DataLoader[Sample]):
    """Batches of samples, with a word about each sample that could not be read, and about a process that died.

    Its `collate_fn` is a `Collate`.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return self._listened(super().__iter__())  # at once: its processes start now, and the sampler looks where it is

    def _listened(self, batches: Iterable[Any]) -> Generator[Any]:
        collate = cast(Collate, self.collate_fn)
        with closing(explained(batches, collate.patience)) as batches:
            for batch in batches:
                refused = batch.pop("refused", None)
                if refused:
                    collate.report(refused)
                yield batch


def explained(items: Iterable[_Item], patience: float = 0.0) -> Generator[_Item]:
    """The same items; where a reading process dies or hangs, an error that says what to do.

    Args:
        items: of a loader.
        patience: seconds to wait for one of them, where the loader's own timeout is shorter.

    Raises:
        DatasetError: it did.
    """
    iterator = iter(items)
    while True:
        try:
            item = _wait(iterator, patience)
        except StopIteration:
            return
        except RuntimeError as error:
            told = worker_failure(error)
            if told is None:
                raise
            raise told from error
        yield item


def _wait(iterator: Iterator[_Item], patience: float) -> _Item:
    """The next item of a loader, asked for again and again.

    torch looks whether its processes live at the end of a timeout only, and the signal of their death may have lost its
    handler: Lightning restores what it found, and torch sets its own once. A timeout takes nothing off the queue.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return next(iterator)
        except RuntimeError as error:
            if _TIMED_OUT not in str(error) or time.monotonic() >= end:
                raise


def worker_failure(error: BaseException) -> DatasetError | None:
    """What to tell the user if this error is a reading process that died or hangs; None if it is anything else.

    torch raises it wherever the training process happens to be when a reading process dies.
    """
    text = " ".join(message(error).split())
    if not isinstance(error, RuntimeError) or isinstance(error, DatasetError):
        return None
    if _TIMED_OUT in text:
        return DatasetError(
            "No batch came from the processes that read data within data.worker_timeout seconds. Does the file system "
            "hang? If reading is merely slow, raise it; data.num_workers=0 reads in the training process."
        )
    shared = "shared memory" in text or "Bus error" in text
    if "DataLoader worker (pid" not in text and "Pin memory thread" not in text and not shared:
        return None
    cause = (
        "Shared memory is too small: enlarge /dev/shm (docker run --shm-size=8g)"
        if shared
        else "Was it killed for want of memory (see `dmesg`), or by a limit of the cluster? Give the job more memory"
    )
    return DatasetError(
        f"A process that reads data died ({text}). {cause}, lower data.num_workers, or read in the training process "
        "with data.num_workers=0, which shows the true error too."
    )


def require_timeout(seconds: float) -> float:
    """Refuse a timeout that is none.

    Raises:
        ConfigurationError: it is not a number of seconds, 0 or above.
    """
    if not 0 <= seconds < math.inf:
        raise ConfigurationError(
            f"data.worker_timeout={seconds}: how many seconds to wait for a batch before the run ends; 0 = for ever."
        )
    return seconds


def make_loader(
    dataset: Dataset[Sample],
    workers: int,
    timeout: float,
    report: Callable[[Sequence[Refusal]], None],
    lasting: bool,
    seed: int,
    **settings: Any,
) -> Loader:
    """A loader whose processes are watched.

    Args:
        dataset: what to read.
        workers: processes that read; 0 = this one.
        timeout: seconds to wait for a batch of theirs; 0 = for ever.
        report: told of samples that could not be read.
        lasting: whether the processes outlive an iteration.
        seed: of the loader's own random numbers, so that starting it leaves the global random state alone.
        settings: torch's.
    """
    return Loader(
        dataset,
        num_workers=workers,
        timeout=min(timeout, _LOOK) if workers > 0 else 0,
        persistent_workers=lasting and workers > 0,
        collate_fn=Collate(report, timeout),
        generator=torch.Generator().manual_seed(seed),
        **settings,
    )


def in_parallel(items: Dataset[_Item], workers: int, title: str) -> list[_Item]:
    """All items of a dataset in order, made by several processes, with a progress bar on stderr.

    A loader is a pool of processes that works on every platform, keeps the order, and whose processes are there at
    once, since they are forked where that can be done.

    Args:
        items: what to make; picklable.
        workers: processes; 0 = this one.
        title: of the bar.

    Raises:
        DatasetError: a process died.
    """
    size = len(cast(Sequence[_Item], items))
    loader = DataLoader(
        items,
        batch_size=None,
        collate_fn=unchanged,
        num_workers=workers if workers > 1 and size >= _FEW else 0,
        generator=torch.Generator(),  # its own, so that the global random state is left alone
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    made: list[_Item] = []
    started = iter(loader)  # before the bar, since processes are forked and its thread is not
    with (
        closing(explained(started)) as results,
        Progress(*columns, console=Console(stderr=True), disable=size < _FEW, transient=True) as bar,
    ):
        task = bar.add_task(title, total=size)
        for result in results:
            made.append(result)
            bar.advance(task)
    return made


def unchanged(item: Any) -> Any:
    """What is not collated."""
    return item
