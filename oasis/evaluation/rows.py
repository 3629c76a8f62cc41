"""What a table of results says: its rows, which checkpoint is best, and the sentences under it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from oasis.evaluation.results import Column, Comparison, Score
from oasis.metrics.names import MetricInfo, describe, in_order, split_class

UNDEFINED = "-"  # measured, but there is no number: no such class, or a picture with NaN
_MOST_DECIMALS = 6
_DIGITS = 4  # of a metric whose decimals are not set


@dataclass(frozen=True)
class Cell:
    """One number, ready to be printed.

    Attributes:
        mean: over the seeds; `-` where it is nan, empty where it was not measured.
        spread: its standard deviation; empty where none is known.
        values: of each seed.
        best: no other checkpoint comes near.
    """

    mean: str = ""
    spread: str = ""
    values: tuple[str, ...] = ()
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One metric of all columns.

    Attributes:
        name: of the metric.
        info: what is known of it.
        cells: the checkpoints'.
        references: those of what they are read against.
    """

    name: str
    info: MetricInfo
    cells: tuple[Cell, ...]
    references: tuple[Cell, ...]


def summary_metrics(comparison: Comparison) -> list[str]:
    """The metrics over all classes, in the order in which they are told."""
    return in_order(name for name in comparison.metrics() if split_class(name)[1] is None)


def class_metrics(comparison: Comparison) -> dict[str, list[str]]:
    """Family -> its metrics of single classes, such as `segmenter/iou` -> `segmenter/iou/car`, ..."""
    families: dict[str, list[str]] = {}
    for name in in_order(comparison.metrics()):
        family, class_name = split_class(name)
        if class_name is not None:
            families.setdefault(family, []).append(name)
    return families


def rows(comparison: Comparison, names: Sequence[str]) -> list[Row]:
    """What to print of some metrics."""
    return [_row(comparison, name) for name in names]


def best_checkpoint(comparison: Comparison, name: str) -> int | None:
    """The checkpoint that is clearly the best in a metric.

    Returns:
        Its position; None where the mean ± spread of the best overlaps another's, where a spread is not known, where
        there are fewer than two numbers, or where neither way is better.
    """
    upwards = describe(name).higher_is_better
    if upwards is None:
        return None
    sign = 1 if upwards else -1
    ranked = sorted(
        (
            (sign * score.mean, score.spread, place)
            for place, score in enumerate(_scores(comparison.columns, name))
            if score
        ),
        key=lambda entry: entry[0],
        reverse=True,
    )
    if len(ranked) < 2:
        return None
    (mean, spread, place), *others = ranked
    # A comparison with nan is false: without a spread nothing is clear.
    return place if all(mean - spread > other + its_spread for other, its_spread, _ in others) else None


def keys(comparison: Comparison) -> list[str]:
    """A letter for every checkpoint, to be read where its name has no room."""
    return [_letters(place) for place in range(len(comparison.columns))]


def measured(comparison: Comparison) -> str:
    """What was measured, in a sentence."""
    maps = f"{comparison.images} label map{'' if comparison.images == 1 else 's'}"
    segmenter = f", judged by {comparison.segmenter}" if comparison.segmenter else ""
    return f"{maps} of {comparison.dataset} ({comparison.split}) at {comparison.height}×{comparison.width}{segmenter}."  # noqa: RUF001


def meaning_of_spread(comparison: Comparison) -> str:
    """What ± and bold mean, in sentences."""
    seeds = comparison.seeds
    if len(seeds) < 2:
        return (
            "One draw of each label map: no spread is known, so that no checkpoint can be called better than another."
        )
    rule = (
        " Bold: the best checkpoint, where no other's mean ± spread overlaps its own."
        if len(comparison.columns) > 1
        else ""
    )
    return (
        f"± is the standard deviation over {len(seeds)} noise seeds ({', '.join(map(str, seeds))}), one draw of each "
        f"label map for each; it does not tell how far another training run would differ.{rule}"
    )


def time_split(comparison: Comparison) -> list[tuple[str, float, float]]:
    """Part of the work, seconds, share of all of it in 0..1."""
    total = sum(comparison.seconds.values())
    return [(part, seconds, seconds / total if total else 0.0) for part, seconds in comparison.seconds.items()]


def _row(comparison: Comparison, name: str) -> Row:
    info = describe(name)
    decimals = _decimals(comparison, name) if info.decimals is None else info.decimals
    best = best_checkpoint(comparison, name)
    cells = [_cell(score, info, decimals) for score in _scores(comparison.columns, name, keep_nan=True)]
    references = [_cell(score, info, decimals) for score in _scores(comparison.references, name, keep_nan=True)]
    marked = [Cell(c.mean, c.spread, c.values, best=True) if place == best else c for place, c in enumerate(cells)]
    return Row(name, info, tuple(marked), tuple(references))


def _scores(columns: Sequence[Column], name: str, *, keep_nan: bool = False) -> list[Score | None]:
    """A metric's score of each column, None where it has none."""
    found = [column.scores.get(name) for column in columns]
    return [score if score and (keep_nan or not math.isnan(score.mean)) else None for score in found]


def _cell(score: Score | None, info: MetricInfo, decimals: int) -> Cell:
    if score is None:
        return Cell()

    def printed(value: float) -> str:
        # + 0.0 turns the -0.0 that rounding leaves into 0.0.
        return UNDEFINED if math.isnan(value) else f"{round(value * info.factor, decimals) + 0.0:.{decimals}f}"

    known = not math.isnan(score.mean) and not math.isnan(score.spread)
    return Cell(printed(score.mean), printed(score.spread) if known else "", tuple(map(printed, score.values)))


def _decimals(comparison: Comparison, name: str) -> int:
    """As many as show four digits of the checkpoint's mean that is nearest to 0, which is often the best one."""
    columns = comparison.columns if any(_scores(comparison.columns, name)) else comparison.references
    sizes = [abs(score.mean) for score in _scores(columns, name) if score and 0 < abs(score.mean) < math.inf]
    if not sizes:
        return 0
    return min(_MOST_DECIMALS, max(0, _DIGITS - 1 - math.floor(math.log10(min(sizes)))))


def _letters(place: int) -> str:
    """0, 1, ... 25, 26 to A, B, ... Z, AA."""
    more, letter = divmod(place, len(ascii_uppercase))
    return (_letters(more - 1) if more else "") + ascii_uppercase[letter]
