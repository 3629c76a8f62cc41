"""Loaders that report unreadable samples and explain the death of worker processes."""

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
from oasis.data.sample import Sample
from oasis.errors import ConfigurationError, DatasetError, message

_Item = TypeVar("_Item")
_FEW = 16  # samples; fewer are read faster than processes start
_TIMED_OUT = "DataLoader timed out"  # torch's message
_LOOK = 5.0  # seconds between checks of silent processes; torch's own interval without a timeout


class Collate:
    """Collates samples, and passes on which others could not be read.

    Args:
        report: called with them, in the process that iterates.
        patience: seconds that this process waits for a batch; 0 = no timeout.
    """

    def __init__(self, report: Callable[[Sequence[Refusal]], None], patience: float = 0.0) -> None:
        self.report = report
        self.patience = patience

    def __call__(self, samples: list[Sample]) -> dict[str, Any]:
        """Stack the samples; the key `refused` exists only if it is not empty."""
        refused = [refusal for sample in samples for refusal in sample.pop("refused", [])]
        batch: dict[str, Any] = default_collate(samples)
        return {**batch, "refused": refused} if refused else batch

    def __getstate__(self) -> dict[str, Any]:
        """Without `report`: worker processes only pass refusals on."""
        return {"report": None, "patience": 0.0}


class Loader(DataLoader[Sample]):
    """Batches of samples; reports samples that could not be read, and explains the death of a worker process.

    Its `collate_fn` is a `Collate`.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return self._listened(super().__iter__())  # not lazily: processes start now, and the sampler reads its position

    def _listened(self, batches: Iterable[Any]) -> Generator[Any]:
        collate = cast(Collate, self.collate_fn)
        with closing(explained(batches, collate.patience)) as batches:
            for batch in batches:
                refused = batch.pop("refused", None)
                if refused:
                    collate.report(refused)
                yield batch


def explained(items: Iterable[_Item], patience: float = 0.0) -> Generator[_Item]:
    """The same items; if a worker process dies or hangs, an error that says what to do.

    Args:
        items: of a loader.
        patience: seconds to wait for an item, if the loader's own timeout is shorter.

    Raises:
        DatasetError: a process died or hangs.
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
    """The next item of a loader, with retries.

    torch checks whether its processes are alive only after a timeout, and the handler of SIGCHLD may be missing:
    Lightning restores previous handlers, and torch sets its own once. A timeout does not lose items.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return next(iterator)
        except RuntimeError as error:
            if _TIMED_OUT not in str(error) or time.monotonic() >= end:
                raise


def worker_failure(error: BaseException) -> DatasetError | None:
    """An explanation if this error means that a worker process died or hangs; None otherwise.

    torch raises it anywhere in the training process when a worker dies.
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
        else "Was it killed because memory ran out (`dmesg`), or by a limit of the cluster? Give the job more memory"
    )
    return DatasetError(
        f"A process that reads data died ({text}). {cause}, lower data.num_workers, or read in the training process "
        "with data.num_workers=0, which shows the true error too."
    )


def require_timeout(seconds: float) -> float:
    """Refuse an invalid timeout.

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
    """Make a loader whose worker processes are monitored.

    Args:
        dataset: the dataset to read.
        workers: processes that read; 0 = this one.
        timeout: seconds to wait for a batch of theirs; 0 = no timeout.
        report: called with samples that could not be read.
        lasting: whether the processes outlive an iteration.
        seed: of the loader's own random numbers, so that starting it does not change the global random state.
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


def in_order(items: Dataset[_Item], workers: int) -> Iterator[_Item]:
    """All items of a dataset in order, made by several processes, which are started now.

    A loader is a pool of processes that works on every platform, forwards errors, keeps the order, and starts quickly,
    since processes are forked if possible. Start it before a thread, such as that of a progress bar.

    Args:
        items: picklable.
        workers: processes; 0 = this one, as for a few items.
    """
    loader = DataLoader(
        items,
        batch_size=None,
        collate_fn=unchanged,
        num_workers=workers if workers > 1 and len(cast(Sequence[_Item], items)) >= _FEW else 0,
        generator=torch.Generator(),  # its own, so that the global random state does not change
    )
    return iter(loader)


def in_parallel(items: Dataset[_Item], workers: int, title: str) -> list[_Item]:
    """All items of a dataset in order, made by several processes, with a progress bar on stderr.

    Args:
        items: picklable.
        workers: processes; 0 = this one.
        title: of the bar.

    Raises:
        DatasetError: a process died.
    """
    size = len(cast(Sequence[_Item], items))
    made: list[_Item] = []
    started = in_order(items, workers)
    with closing(explained(started)) as results, progress_bar(size >= _FEW, transient=True) as bar:
        task = bar.add_task(title, total=size)
        for result in results:
            made.append(result)
            bar.advance(task)
    return made


def progress_bar(shown: bool, transient: bool = False) -> Progress:
    """Bars on stderr: a title, how many of how many, and the time that is left.

    Args:
        shown: whether to show them at all.
        transient: whether they vanish at the end.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not shown, transient=transient)


def unchanged(item: Any) -> Any:
    """The item itself, for loaders that do not collate."""
    return item
