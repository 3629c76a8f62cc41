"""The scores of all trainings, and their place in a comparison of checkpoints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from oasis.evaluation import Column, Comparison, Score
from oasis.metrics.usefulness import MEASURES

PHOTOS, UNTRAINED = "photos alone", "fakes of the untrained generator"


def fakes_of(checkpoint: str) -> str:
    """The arm of a checkpoint's fakes alone."""
    return f"fakes of {checkpoint}"


def both_of(checkpoint: str) -> str:
    """The arm of photos and a checkpoint's fakes, half and half."""
    return f"photos and fakes of {checkpoint}"


@dataclass(frozen=True)
class Usefulness:
    """What segmenters learned from photos and from fakes.

    Attributes:
        scores: arm -> measure -> one value for each seed, as in `MEASURES`; without those that the dataset lacks.
        checkpoints: their names; see `fakes_of` and `both_of`.
        seeds: of the segmenters, the same in all arms.
        draws: noise seeds of the fakes.
        protocol: how they were trained and tested, in a sentence.
        notes: caveats.
        seconds: that it took, without what was in the cache.
    """

    scores: Mapping[str, Mapping[str, tuple[float, ...]]]
    checkpoints: tuple[str, ...]
    seeds: tuple[int, ...]
    draws: tuple[int, ...]
    protocol: str
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def added_to(self, comparison: Comparison) -> Comparison:
        """The comparison with these scores in the columns of checkpoints and references.

        Photos alone are the real-photo reference in both groups of rows: fakes that equal the photos would give it.
        """
        known = set(self.checkpoints)
        columns = (
            self._extended(one, fakes_of(one.name), both_of(one.name)) if one.name in known else one
            for one in comparison.columns
        )
        arms = {"real photos": (PHOTOS, PHOTOS), "untrained": (UNTRAINED, "")}
        references = (self._extended(one, *arms.get(one.name, ("", ""))) for one in comparison.references)
        return replace(
            comparison,
            columns=tuple(columns),
            references=tuple(references),
            notes=(*comparison.notes, *self.notes),
            protocols={**comparison.protocols, **{name: self.protocol.rstrip(".") for name in self._names()}},
            seconds={**comparison.seconds, "usefulness": self.seconds},
        )

    def _names(self) -> Iterator[str]:
        for prefix in ("usefulness", "usefulness_both"):
            yield from (f"{prefix}/{measure}" for measure in self.scores[PHOTOS])

    def _extended(self, column: Column, alone: str, both: str) -> Column:
        new = {
            f"{prefix}/{measure}": Score(values)
            for prefix, arm in (("usefulness", alone), ("usefulness_both", both))
            for measure, values in self.scores.get(arm, {}).items()
        }
        return replace(column, scores={**column.scores, **new})


def by_measure(trials: Sequence[Sequence[float]], wanted: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The scores of each seed in the order of `MEASURES`, to measure -> a value for each seed.

    Args:
        trials: of each seed.
        wanted: the measures to keep.
    """
    columns = dict(zip(MEASURES, zip(*trials, strict=True), strict=True))
    return {name: tuple(columns[name]) for name in wanted}
