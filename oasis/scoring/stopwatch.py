"""Time measurement of the parts of an evaluation."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Adds up the seconds of named parts.

    GPU kernels are asynchronous, so a part ends when they have finished.

    Attributes:
        seconds: part -> seconds so far.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Context manager that adds its time to this part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            if torch.accelerator.is_available():
                torch.accelerator.synchronize()
            self.seconds[name] += time.perf_counter() - start
