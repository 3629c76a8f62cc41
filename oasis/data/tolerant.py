"""Splits with bad samples.

Training needs a stream of fixed order: `Replacing` returns another sample instead of a bad one. Scores need every
sample once: `Readable` is the split without its bad samples.
"""

from collections.abc import Callable, Sequence

import numpy as np
from torch.utils.data import Dataset

from oasis.data.faults import Refusal
from oasis.data.loading import in_parallel
from oasis.data.sample import Sample
from oasis.data.samples import Samples
from oasis.errors import DatasetError

_TRIES = 16  # substitutes for a sample; if a tenth of all samples is bad, all substitutes are with probability 10^-16


def attempt(source: Samples, index: int) -> Sample | Refusal:
    """Read a sample, or return why it cannot be read."""
    try:
        return source[index]
    except DatasetError as error:
        return Refusal(index, source.files[index].name, str(error))


class Replacing(Dataset[Sample]):
    """Returns another sample instead of one that cannot be read.

    Which one depends only on the position of the bad one and on which samples can be read: neither the number of
    worker processes nor resuming changes the order. The sample's `refused` lists the samples it replaces.

    Args:
        source: the split.
    """

    def __init__(self, source: Samples) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        """Read the sample, or the first of its substitutes that can be read.

        Raises:
            DatasetError: none of them can be read.
        """
        refused: list[Refusal] = []
        order = np.random.default_rng((len(self), index)).permutation(len(self))
        for candidate in [index, *(i for i in order[:_TRIES].tolist() if i != index)]:
            outcome = attempt(self.source, candidate)
            if not isinstance(outcome, Refusal):
                if refused:
                    outcome["refused"] = refused
                return outcome
            refused.append(outcome)
        raise DatasetError(
            f"{len(refused)} samples of {self.source.root}, the split {self.source.split!r}, cannot be read, one after "
            f"the other. Is the disk still there? The first: {refused[0].reason}"
        )

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        """A batch, by the source's `__getitems__` if no sample is bad."""
        fetch: Callable[[Sequence[int]], list[Sample]] | None = getattr(self.source, "__getitems__", None)
        if fetch is not None:
            try:
                return fetch(indices)
            except DatasetError:
                pass
        return [self[index] for index in indices]


class Readable(Samples):
    """A split without the samples that cannot be read.

    A sample that becomes unreadable later is an error, and is never replaced.

    Args:
        source: the complete split.
        refused: the samples that are left out.

    Raises:
        DatasetError: nothing is left.
    """

    def __init__(self, source: Samples, refused: Sequence[Refusal]) -> None:
        self.source = source
        self.left_out = sorted(refusal.position for refusal in refused)
        bad = set(self.left_out)
        self.positions = [position for position in range(len(source)) if position not in bad]
        if not self.positions:
            raise DatasetError(
                f"No sample of the split {source.split!r} of {source.root} can be read: {refused[0].reason}"
            )
        self.files = [source.files[position] for position in self.positions]
        self.dataset = source.dataset
        self.split = source.split
        self.label_space = source.label_space
        self.height = source.height
        self.width = source.width
        self.tolerance = source.tolerance
        self.decodes = source.decodes

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; `index` counts the readable ones.

        Raises:
            DatasetError: it has become unreadable.
        """
        sample = self.source[self.positions[index]]
        sample["index"] = index
        return sample

    def fingerprint(self) -> str:
        """A hash of the complete split's fingerprint and the omitted samples."""
        whole = self.source.fingerprint()
        return f"{whole} without {' '.join(map(str, self.left_out))}" if self.left_out else whole

    def suspects(self) -> Sequence[int]:
        """No samples: the bad ones are left out."""
        return []


class _Outcomes(Dataset[Refusal | None]):
    def __init__(self, source: Samples) -> None:
        self.source = source
        self.indices = source.suspects()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Refusal | None:
        outcome = attempt(self.source, self.indices[index])
        return outcome if isinstance(outcome, Refusal) else None


def find_refusals(source: Samples, workers: int) -> list[Refusal]:
    """All samples of a split that cannot be read, in order; reads all that are not known to be good.

    Args:
        source: the split.
        workers: processes that read; 0 = this one.
    """
    outcomes = in_parallel(_Outcomes(source), workers, f"looking for bad samples in {source.split}")
    return [outcome for outcome in outcomes if outcome is not None]
