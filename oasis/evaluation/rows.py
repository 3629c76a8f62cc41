"""The contents of a table of results: its rows, the best checkpoints, and the sentences below it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase

from oasis.evaluation.results import Column, Comparison, Score
from oasis.metrics.metric_info import MetricInfo
from oasis.metrics.names import describe, in_order, split_class
from oasis.metrics.usefulness import USEFULNESS
from oasis.report import Cell
from oasis.report.numbers import score_cell
from oasis.scoring import protocol_lines


@dataclass(frozen=True)
class Row:
    """One metric of all columns.

    Attributes:
        name: of the metric.
        info: its name, unit and direction.
        cells: of the checkpoints.
        references: cells of the references.
    """

    name: str
    info: MetricInfo
    cells: tuple[Cell, ...]
    references: tuple[Cell, ...]


def summary_metrics(comparison: Comparison) -> list[str]:
    """The metrics over all classes, in the order of reports."""
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
    """The rows of some metrics."""
    return [_row(comparison, name) for name in names]


def best_checkpoint(comparison: Comparison, name: str) -> int | None:
    """The checkpoint that is clearly the best in a metric.

    Returns:
        Its position; None if the mean ± spread of the best overlaps another's, if a spread is unknown, if there are
        fewer than two numbers, or if the metric has no better direction.
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
    # A comparison with nan is false: without a spread no checkpoint is clearly the best.
    return place if all(mean - spread > other + its_spread for other, its_spread, _ in others) else None


def keys(comparison: Comparison) -> list[str]:
    """A letter for every checkpoint, as its short name."""
    return [_letters(place) for place in range(len(comparison.columns))]


def measured(comparison: Comparison) -> str:
    """The subject of the evaluation, in a sentence."""
    maps = f"{comparison.images} label map{'' if comparison.images == 1 else 's'}"
    segmenter = f", segmented by {comparison.segmenter}" if comparison.segmenter else ""
    return f"{maps} of {comparison.dataset} ({comparison.split}) at {comparison.height}×{comparison.width}{segmenter}."  # noqa: RUF001


def meaning_of_spread(comparison: Comparison) -> str:
    """The meaning of ± and bold type, in sentences."""
    read = [column for column in comparison.columns if column.draws]
    several = [f"{column.name}: {column.draws}" for column in read if column.draws > 1]
    single = [column.name for column in read if column.draws == 1]
    generated = len(read) < len(comparison.columns)
    sentences = [_spread_over_seeds(comparison.seeds)] if generated or not read else []
    if several:
        sentences.append(
            f"± of pictures that were read is the standard deviation over their draws ({', '.join(several)})."
        )
    if single:
        sentences.append(
            f"One draw of each label map ({', '.join(single)}): no spread is known, so that none is called best."
        )
    if USEFULNESS.keys() & set(comparison.metrics()):
        sentences.append("In the rows “Fakes” and “Both” it is that over the seeds of the segmenters trained on them.")
    known = not single and (len(comparison.seeds) > 1 or not generated)
    if known and len(comparison.columns) > 1:
        what = "column" if read else "checkpoint"
        sentences.append(f"Bold: the best {what}, where no other's mean ± spread overlaps its own.")
    return " ".join(sentences)


def _spread_over_seeds(seeds: Sequence[int]) -> str:
    if len(seeds) < 2:
        return (
            "One draw of each label map: no spread is known, so that no checkpoint can be called better than another."
        )
    return (
        f"± is the standard deviation over {len(seeds)} noise seeds ({', '.join(map(str, seeds))}), each label map "
        "generated once per seed; it does not say how far another training run would differ."
    )


def protocols(comparison: Comparison) -> list[str]:
    """How the metrics over all classes were measured; see `protocol_lines`."""
    known = comparison.protocols
    return protocol_lines({name: known[name] for name in summary_metrics(comparison) if name in known})


def time_split(comparison: Comparison) -> list[str]:
    """How long the evaluation and each part of it took: one sentence, or none if unknown."""
    total = sum(comparison.seconds.values())
    parts = [f"{part} {one:.1f} s ({one / (total or 1):.0%})" for part, one in comparison.seconds.items()]
    return [f"{total:.1f} s in total: {', '.join(parts)}."] if parts else []


def _row(comparison: Comparison, name: str) -> Row:
    info = describe(name)
    best = best_checkpoint(comparison, name)
    cells = [_cell(score, info) for score in _scores(comparison.columns, name, keep_nan=True)]
    references = [_cell(score, info) for score in _scores(comparison.references, name, keep_nan=True)]
    return Row(name, info, tuple(replace(c, strong=place == best) for place, c in enumerate(cells)), tuple(references))


def _scores(columns: Sequence[Column], name: str, *, keep_nan: bool = False) -> list[Score | None]:
    """A metric's score of each column, None if it has none."""
    found = [column.scores.get(name) for column in columns]
    return [score if score and (keep_nan or not math.isnan(score.mean)) else None for score in found]


def _cell(score: Score | None, info: MetricInfo) -> Cell:
    return Cell("") if score is None else score_cell(info, score.mean, score.spread, score.values)


def _letters(place: int) -> str:
    """0, 1, ... 25, 26 to A, B, ... Z, AA."""
    more, letter = divmod(place, len(ascii_uppercase))
    return (_letters(more - 1) if more else "") + ascii_uppercase[letter]
