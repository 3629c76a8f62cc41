"""Caching the samples of a split, once for all processes, resumable."""

import shutil
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track
from torch.utils.data import Dataset

from oasis.data.bad_samples import BadSamples
from oasis.data.cache.container import Container
from oasis.data.cache.draft import Draft, draft_folder
from oasis.data.faults import Refusal
from oasis.data.file_samples import FileSamples
from oasis.data.loading import explained, in_order, progress_bar
from oasis.data.sample import Sample
from oasis.data.tolerant import attempt
from oasis.errors import ConfigurationError, DatasetError, message, no_room
from oasis.files import locked
from oasis.streets.writer import cores

_SPARE = 64 * 2**20  # bytes of the disk that are left free


def build_cache(
    container: Container,
    workers: int | None = None,
    anew: bool = False,
    verify: bool = False,
    progress: bool = True,
) -> bool:
    """Decode and resize all samples into the container, unless it is valid already.

    An invalid container is replaced, with a message. Of several processes, one writes and the others wait. An
    interrupted or killed call is continued by the next.

    Args:
        container: the container to fill.
        workers: processes that decode; None = one per core.
        anew: replace valid samples too.
        verify: compare all checksums instead of sizes and the index alone.
        progress: whether to show a bar on stderr.

    Returns:
        Whether anything was written; False = the container was valid.

    Raises:
        ConfigurationError: workers below 1.
        DatasetError: more invalid source files than the tolerance allows; a full disk; a folder that cannot be written.
    """
    if workers is not None and workers < 1:
        raise ConfigurationError(f"oasis prepare: workers is {workers}; set it to 1 or more, or to None.")
    if not anew and not verify and container.fault() is None:
        return False  # needs no lock, so that the folder may be read-only
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with _explained(container), _alone(container, console):
        reason = "asked to" if anew else container.fault()
        if reason is None and verify:
            reason = _wrong_checksums(container, progress)
        if reason is None:
            return False
        if container.exists() and not anew:
            console.print(f"Caching anew: {reason}", markup=False)
        if anew:
            shutil.rmtree(draft_folder(container), ignore_errors=True)
        _write(container, workers or cores(), progress)
    return True


def _write(container: Container, workers: int, progress: bool) -> None:
    _require_room(container)
    # Processes are started before the bar, since they are forked and its thread is not.
    source = container.source
    bad = BadSamples(source.tolerance, source.split, len(source), None)
    with Draft(container) as draft, closing(_decoded(container, draft.done, workers)) as samples:
        with progress_bar(progress) as bar:
            title = f"caching {source.split} at {source.height}x{source.width}"
            task = bar.add_task(title, total=len(container), completed=draft.done)
            for sample in samples:
                draft.append(sample)
                if isinstance(sample, Refusal):
                    bad.report([sample])
                bar.advance(task)
        draft.publish()


def _decoded(container: Container, first: int, workers: int) -> Generator[Sample | Refusal]:
    """The samples from `first` on, in order, decoded by several processes; refusals only if the tolerance allows them.

    One process can write all rows sequentially: writing takes a hundredth of the time of decoding. An error of the
    reader is raised without the worker processes' traceback.
    """
    return _handed_on(in_order(_Rest(container.source, first), workers))


def _handed_on(samples: Iterator[Sample | Refusal]) -> Generator[Sample | Refusal]:
    try:
        yield from explained(samples)
        return
    except DatasetError as error:
        told = message(error)
        error.__traceback__ = None
    del samples  # ends the processes now; the traceback would keep them alive for seconds
    raise DatasetError(told)


class _Rest(Dataset[Sample | Refusal]):
    """The samples from `first` on."""

    def __init__(self, source: FileSamples, first: int) -> None:
        self.source = source
        self.first = first

    def __len__(self) -> int:
        return len(self.source) - self.first

    def __getitem__(self, index: int) -> Sample | Refusal:
        position = self.first + index
        return attempt(self.source, position) if self.source.tolerance.skips else self.source[position]


def _wrong_checksums(container: Container, progress: bool) -> str | None:
    """A message about wrong checksums, or None."""
    arrays = container.open()
    title = f"verifying {container.source.split}"
    rows = track(range(len(container)), title, console=Console(stderr=True), disable=not progress, transient=True)
    wrong = [container.source.files[row].name for row in rows if not arrays.is_sound(row)]
    if not wrong:
        return None
    return f"{container.folder}: the checksums of {len(wrong)} of {len(container)} samples are wrong, first {wrong[0]}"


def _require_room(container: Container) -> None:
    folder = draft_folder(container)
    folder.parent.mkdir(parents=True, exist_ok=True)
    there = sum(path.stat().st_size for path in folder.glob("*.npy"))
    needed = container.bytes - there + _SPARE
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise DatasetError(
            f"{folder.parent} has room for {free / 1e9:.2f} GB, but the {len(container)} cached samples need "
            f"{needed / 1e9:.2f} GB. {_ADVICE}"
        )


def _alone(container: Container, console: Console) -> AbstractContextManager[None]:
    """Locks out other processes."""
    path = container.folder.with_name(f"{container.folder.name}.lock")
    text = f"Another process is caching {container.folder}: waiting for it."
    return locked(path, lambda: console.print(text, markup=False))


_ADVICE = (
    "Make room, or choose another place by data.cache_folder=FOLDER or the environment variable "
    "PANOPTIC_OASIS_CACHE; without cached samples, the dataset's files are read (data.build_cache=false)."
)


@contextmanager
def _explained(container: Container) -> Iterator[None]:
    """Turns errors of writing into helpful messages; deletes the draft if the disk is full."""
    try:
        yield
    except OSError as error:
        folder: Path = container.folder
        if no_room(error):
            shutil.rmtree(draft_folder(container), ignore_errors=True)
            raise DatasetError(f"No room is left for the cached samples in {folder}. {_ADVICE}") from error
        raise DatasetError(
            f"The cached samples cannot be written to {folder}: {error.strerror or error}. {_ADVICE}"
        ) from error
