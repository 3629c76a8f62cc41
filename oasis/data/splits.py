"""The splits of a dataset for training and for scoring."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from oasis.data.bad_samples import BadSamples
from oasis.data.cache import CachedSamples, Container
from oasis.data.cropping import TrainingSamples
from oasis.data.faults import Refusal
from oasis.data.file_samples import FileSamples, Maps
from oasis.data.sample import Split
from oasis.data.samples import Samples
from oasis.data.scaling import Preparation
from oasis.data.tolerant import Readable, Replacing, find_refusals

_MOST_WORKERS = 8  # by default


class Splits:
    """Opens each split once, on first use: cached samples if they are valid, else the files.

    Args:
        files: lists the files of a split.
        preparation: how samples are scaled; those of `files` are for scoring.
        use_cache: read cached samples if they are valid.
        cache_folder: the folder of cached samples; None = in the project's cache.
        workers: processes that read; None = one per core, at most 8, for files; 0 for cached samples.

    Attributes:
        run_folder: where bad samples are listed; None = there is no run.
    """

    def __init__(
        self,
        files: Callable[[Split], FileSamples],
        preparation: Preparation,
        use_cache: bool = True,
        cache_folder: str | None = None,
        workers: int | None = None,
    ) -> None:
        self.files = files
        self.preparation = preparation
        self.use_cache = use_cache
        self.cache_folder = cache_folder
        self.wanted_workers = workers
        self.run_folder: Path | None = None
        self._files: dict[Split, FileSamples] = {}
        self._all: dict[Split, Samples] = {}
        self._trained: Samples | None = None
        self._readable: dict[Split, Readable] = {}
        self._bad: dict[Split, BadSamples] = {}

    def all(self, split: Split) -> Samples:
        """Every sample of a split; reading a bad sample raises."""
        if split not in self._all:
            self._all[split] = self._opened(self._listed(split))
        return self._all[split]

    def scored(self, split: Split) -> Samples:
        """The samples for scoring: each once, without bad samples if those are skipped, which are found now."""
        if not self.all(split).tolerance.skips:
            return self.all(split)
        if split not in self._readable:
            refused = find_refusals(self.all(split), self.workers(split))
            self.reporter(split)(refused)
            self._readable[split] = Readable(self.all(split), refused)
        return self._readable[split]

    def trained(self, seed: int) -> TrainingSamples:
        """The training split at its full length; bad samples are replaced if they are skipped.

        Args:
            seed: of random crops.
        """
        source = self._training()
        return TrainingSamples(Replacing(source) if source.tolerance.skips else source, self.preparation, seed)

    def maps(self, split: Split, height: int, width: int) -> Callable[[int], Maps]:
        """Reads the maps of a sample of `scored` by its position, from the files and at another size.

        Raises:
            ConfigurationError: see `Preparation.of_whole`.
        """
        source = self._listed(split).scaled_by(self.preparation.of_whole(height, width))
        scored = self.scored(split)
        positions = scored.positions if isinstance(scored, Readable) else range(len(scored))
        return lambda index: source.maps(positions[index])

    def container(self, split: Split) -> Container:
        """The container of the samples that training reads, of the files that exist now."""
        return Container(self.files(split).scaled_by(self.preparation.of(split)), self.cache_folder)

    def workers(self, split: Split) -> int:
        """Processes that read a split."""
        if self.wanted_workers is not None:
            return self.wanted_workers
        source = self._training() if split == "train" else self.all(split)
        return min(_MOST_WORKERS, os.cpu_count() or 1) if source.decodes else 0

    def reporter(self, split: Split) -> Callable[[Sequence[Refusal]], None]:
        """The callback for samples of a split that could not be read."""
        if split not in self._bad:
            self._bad[split] = BadSamples(self.all(split).tolerance, split, len(self.all(split)), self.run_folder)
        return self._bad[split].report

    def _listed(self, split: Split) -> FileSamples:
        if split not in self._files:
            self._files[split] = self.files(split)
        return self._files[split]

    def _training(self) -> Samples:
        if self._trained is None:
            listed = self._listed("train")
            scaling = self.preparation.training
            is_scored_alike = scaling == listed.scaling
            self._trained = self.all("train") if is_scored_alike else self._opened(listed.scaled_by(scaling))
        return self._trained

    def _opened(self, source: FileSamples) -> Samples:
        """The cached samples of a source if they are valid, else the source."""
        if not self.use_cache or source.scaling.shape is None:
            return source
        cached = CachedSamples.find(Container(source, self.cache_folder))
        return source if cached is None else cached
