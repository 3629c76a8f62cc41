"""The splits of a dataset for training and for scoring."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from oasis.data.bad_samples import BadSamples
from oasis.data.cache import CachedSamples, Container
from oasis.data.faults import Refusal, Tolerance
from oasis.data.file_samples import FileSamples
from oasis.data.samples import Samples, Split
from oasis.data.tolerant import Readable, Replacing, find_refusals

_MOST_WORKERS = 8  # by default


class Splits:
    """Opens each split once, on first use: cached samples if they are valid, else the files.

    Args:
        files: lists the files of a split.
        tolerance: how many samples that cannot be read are accepted.
        use_cache: read cached samples if they are valid.
        cache_folder: the folder of cached samples; None = in the project's cache.
        workers: processes that read; None = one per core, at most 8, for files; 0 for cached samples.

    Attributes:
        run_folder: where bad samples are listed; None = there is no run.
    """

    def __init__(
        self,
        files: Callable[[Split], FileSamples],
        tolerance: Tolerance,
        use_cache: bool = True,
        cache_folder: str | None = None,
        workers: int | None = None,
    ) -> None:
        self.files = files
        self.tolerance = tolerance
        self.use_cache = use_cache
        self.cache_folder = cache_folder
        self.wanted_workers = workers
        self.run_folder: Path | None = None
        self._all: dict[Split, Samples] = {}
        self._readable: dict[Split, Readable] = {}
        self._bad: dict[Split, BadSamples] = {}

    def all(self, split: Split) -> Samples:
        """Every sample of a split; reading a bad sample raises."""
        if split not in self._all:
            source = self.files(split)
            cached = CachedSamples.find(Container(source, self.cache_folder)) if self.use_cache else None
            self._all[split] = source if cached is None else cached
        return self._all[split]

    def scored(self, split: Split) -> Samples:
        """The samples for scoring: each once, without bad samples if those are skipped, which are found now."""
        if not self.tolerance.skips:
            return self.all(split)
        if split not in self._readable:
            refused = find_refusals(self.all(split), self.workers(split))
            self.reporter(split)(refused)
            self._readable[split] = Readable(self.all(split), refused)
        return self._readable[split]

    def trained(self) -> Samples | Replacing:
        """The training split at its full length; bad samples are replaced if they are skipped."""
        return Replacing(self.all("train")) if self.tolerance.skips else self.all("train")

    def workers(self, split: Split) -> int:
        """Processes that read a split."""
        if self.wanted_workers is not None:
            return self.wanted_workers
        return min(_MOST_WORKERS, os.cpu_count() or 1) if self.all(split).decodes else 0

    def reporter(self, split: Split) -> Callable[[Sequence[Refusal]], None]:
        """The callback for samples of a split that could not be read."""
        if split not in self._bad:
            self._bad[split] = BadSamples(self.tolerance, split, len(self.all(split)), self.run_folder)
        return self._bad[split].report
