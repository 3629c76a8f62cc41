"""Images per second."""

import statistics
import time
from collections.abc import Mapping
from typing import Any


def images_per_second(images: int, seconds: float) -> float:
    """The rate; finite even if the clock has not advanced."""
    return images / max(seconds, 1e-9)


class Pace:
    """Images per second, batch by batch, and their median, in bounded memory.

    The median is robust to batches that include a validation, a picture or a checkpoint.

    Args:
        warm_up: batches to leave out after each start, which compile and fill caches.
        capacity: number of rates to keep. Beyond it, every second rate is dropped, and as many of those to come.
    """

    def __init__(self, warm_up: int = 3, capacity: int = 1000) -> None:
        self.warm_up = warm_up
        self.capacity = capacity
        self.rates: list[float] = []
        self.stride = 1
        self._ticks = 0  # since the start of this process
        self._last = (0.0, 0)  # time, images

    def start(self, images: int) -> None:
        """Start the clock before the first batch.

        Args:
            images: seen before.
        """
        self._ticks = 0
        self._last = (time.perf_counter(), images)

    def tick(self, images: int) -> None:
        """Measure the time after a batch.

        Args:
            images: seen so far.
        """
        now = time.perf_counter()
        before, earlier = self._last
        self._last = (now, images)
        self._ticks += 1
        if self._ticks > self.warm_up and (self._ticks - self.warm_up - 1) % self.stride == 0:
            self.rates.append(images_per_second(images - earlier, now - before))
        if len(self.rates) > self.capacity:
            self.rates = self.rates[::2]
            self.stride *= 2

    def median(self) -> float | None:
        """Images per second; None if no batch was timed."""
        return statistics.median(self.rates) if self.rates else None

    def state_dict(self) -> dict[str, Any]:
        """The rates so far."""
        return {"rates": list(self.rates), "stride": self.stride}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the rates."""
        self.rates, self.stride = [float(rate) for rate in state["rates"]], int(state["stride"])
