"""The order of the training data: a pure function of a seed and the position of training."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch.utils.data import Sampler


class Place(NamedTuple):
    """A sample of the training stream: its index in the split, and the position in the stream."""

    sample: int
    position: int


class StreamSampler(Sampler[Place]):
    """An endless stream of shuffled passes over the dataset, from the current position of training on.

    Position p of the stream depends on the seed alone, so a resumed run continues with the sample at which it was
    interrupted, even within an epoch; and an epoch that is cut short (`trainer.limit_train_batches`) is followed by
    the samples it left out. Of several processes each reads its part of every batch, so that together they read the
    same samples as one.

    Args:
        size: samples in the dataset.
        batch_size: samples per batch, over all processes; the last, smaller batch of a pass is dropped.
        seed: of the shuffling.
        batches_done: returns the number of batches trained on so far; called each time iteration starts.
        rank: of this process.
        processes: number of processes; a divisor of `batch_size`.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        batches_done: Callable[[], int],
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.size = size
        self.batch_size = batch_size
        self.seed = seed
        self.batches_done = batches_done
        self.rank = rank
        self.processes = processes

    def __len__(self) -> int:
        """Samples per epoch of this process."""
        return self.size // self.batch_size * (self.batch_size // self.processes)

    def __iter__(self) -> Iterator[Place]:
        batches, first = self.size // self.batch_size, self.batches_done()
        order: list[int] = []
        current = -1
        for batch in range(first, first + batches):
            pass_number, place = divmod(batch, batches)
            if pass_number != current:
                current, order = pass_number, self._shuffled(pass_number)
            for within, position in zip(self.positions(place), self.positions(batch), strict=True):
                yield Place(order[within], position)

    def positions(self, batch: int) -> range:
        """The positions in the stream of this process's part of a batch."""
        part = self.batch_size // self.processes
        start = batch * self.batch_size + self.rank * part
        return range(start, start + part)

    def _shuffled(self, pass_number: int) -> list[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + pass_number)
        return torch.randperm(self.size, generator=generator).tolist()
