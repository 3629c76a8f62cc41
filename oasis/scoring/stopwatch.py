"""Where the time goes."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Adds up the seconds that named parts of a work take.

    Kernels on a GPU run on after the call that started them returns, so a part ends when they have.

    Attributes:
        seconds: part -> seconds so far.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what happens inside to this part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            if torch.accelerator.is_available():
                torch.accelerator.synchronize()
            self.seconds[name] += time.perf_counter() - start
