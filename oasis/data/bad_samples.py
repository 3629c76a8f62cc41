"""The record of samples that a run could not read."""

import csv
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from oasis.data.faults import Refusal, Tolerance

FILE = "bad_samples.csv"


class BadSamples:
    """Counts the bad samples of one split: warns of each once, lists it, and ends the run if there are too many.

    Several processes share one file: each warns of its own, and counts those of all, or only its own if there is no
    run folder.

    Args:
        tolerance: how many are accepted.
        split: `train`, `val` or `test`.
        size: samples of the split.
        folder: of the run, which gets `bad_samples.csv`; None = there is no run.

    Attributes:
        known: position -> refusal.
    """

    def __init__(self, tolerance: Tolerance, split: str, size: int, folder: Path | None) -> None:
        self.tolerance = tolerance
        self.split = split
        self.size = size
        self.folder = folder
        self.known: dict[int, Refusal] = {}
        self._count = 0

    def report(self, refusals: Sequence[Refusal]) -> None:
        """Record samples that could not be read; known ones are ignored.

        Raises:
            DatasetError: there are more than the tolerance allows.
        """
        for refusal in refusals:
            if refusal.position in self.known:
                continue
            self.known[refusal.position] = refusal
            self._count = max(len(self.known), self._list(refusal))
            warnings.warn(
                f"Bad sample {refusal.name} ({self.split}, {self._count} of {self.size} so far): {refusal.reason} "
                "Training sees another one in its place, and scores leave it out.",
                stacklevel=2,
            )
        if refusals:
            self.tolerance.require_few(self._count, self.size, self.split, refusals[-1].reason)

    def _list(self, refusal: Refusal) -> int:
        """Append one to the file; returns how many of this split it then lists, 0 if unknown."""
        if self.folder is None:
            return 0
        path = self.folder / FILE
        row = [self.split, refusal.name, refusal.reason]
        with suppress(OSError):  # a full disk must not end a run that skips bad samples
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("a+", newline="", encoding="utf-8") as file:
                file.seek(0)
                listed = [line[:2] for line in csv.reader(file)]
                writer = csv.writer(file)
                if not listed:
                    writer.writerow(["split", "sample", "reason"])
                if row[:2] not in listed:
                    writer.writerow(row)
                    listed.append(row[:2])
                return sum(split == self.split for split, _ in listed[1:])
        return 0
