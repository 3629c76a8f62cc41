"""The part of a split that one of several processes reads."""

from collections.abc import Callable, Sequence

import torch.utils.data

from oasis.data.sample import Sample
from oasis.data.samples import Samples


class Share(torch.utils.data.Dataset[Sample]):
    """Every n-th sample of a split, for one of n processes; all shares have the same length.

    If the split is not divisible, the last sample of some shares is one from its beginning, which another process
    counts: its `counted` is False.

    Args:
        source: the split.
        rank: of this process.
        processes: n.
    """

    def __init__(self, source: Samples, rank: int = 0, processes: int = 1) -> None:
        self.source = source
        self.rank = rank
        self.processes = processes

    def __len__(self) -> int:
        return -(-len(self.source) // self.processes)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample.

        Raises:
            DatasetError: it cannot be read.
        """
        return self._marked(self.source[self._place(index) % len(self.source)], index)

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        """A batch, by the source's `__getitems__` if it has one."""
        fetch: Callable[[Sequence[int]], list[Sample]] | None = getattr(self.source, "__getitems__", None)
        if fetch is None:
            return [self[index] for index in indices]
        samples = fetch([self._place(index) % len(self.source) for index in indices])
        return [self._marked(sample, index) for sample, index in zip(samples, indices, strict=True)]

    def _place(self, index: int) -> int:
        return index * self.processes + self.rank

    def _marked(self, sample: Sample, index: int) -> Sample:
        sample["counted"] = self._place(index) < len(self.source)
        return sample
