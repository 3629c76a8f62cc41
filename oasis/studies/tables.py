"""The tables of a report: scores, differences, costs, runs."""

import math
import statistics
from collections.abc import Iterable, Sequence

from oasis.evaluation import Score
from oasis.metrics.metric_info import MetricInfo
from oasis.metrics.names import describe
from oasis.report import Cell, Table, cells
from oasis.report.numbers import NOT_AVAILABLE, score_cell
from oasis.studies.arms import Arm
from oasis.studies.differences import CONFIDENCE, Difference
from oasis.studies.overall import Factor
from oasis.studies.run import COSTS
from oasis.studies.study import RunGroup

_REAL, _UNTRAINED = "real photos", "untrained"


def score_table(group: RunGroup) -> Table:
    """One row per arm, one column per metric: mean ± spread over seeds; below them the references."""
    heads = cells(*group.choices, "n", *(describe(name).heading for name in group.metrics))
    rows = [_score_row(group, arm) for arm in group.arms]
    references = [
        (_REAL, {run.origin: run.real_photos for run in group.runs}),
        (_UNTRAINED, {run.origin: run.untrained for run in group.runs}),
    ]
    apart = []
    for title, known in references:
        scores = [group.reference(known, name) for name in group.metrics]
        if any(scores):
            # Real photos are the same in all runs: their spread would be rounding noise.
            row = [
                _score_cell(score, name, title == _UNTRAINED) for name, score in zip(group.metrics, scores, strict=True)
            ]
            apart.append((*cells(title, *("" for _ in group.choices)), *row))
    return Table(heads, (*rows, *apart), reference_rows=len(apart))


def difference_table(group: RunGroup, pairs: Sequence[tuple[Arm, Arm]], heading: str) -> Table:
    """One row per pair of arms, one column per metric: mean difference and 95 % interval, bold where it excludes 0.

    Args:
        group: the group of the arms.
        pairs: an arm, and the one that is subtracted from it.
        heading: of the first column, which names the first arm.
    """
    heads = cells(heading, "n", *(describe(name).heading for name in group.metrics))
    rows = []
    for arm, other in pairs:
        differences = {name: group.difference(arm, other, name) for name in group.metrics}
        count = max((one.pairs for one in differences.values()), default=0)
        row = [Cell(difference_text(one, describe(name)), strong=one.significant) for name, one in differences.items()]
        rows.append((*cells(arm, count), *row))
    return Table(heads, tuple(rows))


def overall_table(group: RunGroup, factors: Sequence[Factor]) -> Table:
    """One row per factor, one column per metric: p values, bold below 0.05."""
    heads = cells("what differs", "levels", "blocks", *(describe(name).heading for name in group.metrics))
    rows = []
    for factor in factors:
        p_values = (factor.p_values[name] for name in group.metrics)
        row = [Cell(NOT_AVAILABLE if math.isnan(p) else f"{p:.2g}", strong=p < 1 - CONFIDENCE) for p in p_values]
        rows.append((*cells(factor.name, factor.levels, factor.blocks), *row))
    return Table(heads, tuple(rows))


def cost_table(group: RunGroup) -> Table:
    """One row per arm, one column per cost: the median over its runs."""
    known = [name for name in COSTS if any(name in run.costs for run in group.runs)]
    rows = []
    for arm in group.arms:
        row = []
        for name in known:
            values = [run.costs[name] for run in group.of(arm) if math.isfinite(run.costs.get(name, math.nan))]
            row.append(Cell(f"{statistics.median(values) / COSTS[name][1]:.4g}" if values else NOT_AVAILABLE))
        devices = dict.fromkeys(run.facts.get("device", "") for run in group.of(arm))
        rows.append((*cells(*_names(arm)), *row, Cell(_joined(devices))))
    return Table(cells(*group.choices, *(COSTS[name][0] for name in known), "device"), tuple(rows))


def run_table(group: RunGroup) -> Table:
    """One row per run: the sources of the numbers."""
    rows = [
        cells(*_names(arm), run.seed, run.batches,
              _commit(run.facts.get("commit", NOT_AVAILABLE)), run.origin)
        for arm in group.arms for run in group.of(arm)
    ]  # fmt: skip
    return Table(cells(*group.choices, "seed", "batches", "commit", "from"), tuple(rows), prose=True)


def difference_text(difference: Difference, info: MetricInfo) -> str:
    """A difference in the metric's own unit: `+1.20 [-0.31, +2.71]`; without interval if there is one pair."""
    if not difference.pairs:
        return NOT_AVAILABLE
    low, high = difference.interval
    decimals = info.decimals_of(difference.mean)
    mean, lower, upper = (info.show(value, decimals, signed=True) for value in (difference.mean, low, high))
    return mean if math.isnan(low) else f"{mean} [{lower}, {upper}]"


def _score_row(group: RunGroup, arm: Arm) -> tuple[Cell, ...]:
    count = len(group.of(arm))
    row = []
    for name in group.metrics:
        score = group.score(arm, name)
        cell = _score_cell(score, name, True)
        fewer = score is not None and len(score.values) < count
        row.append(Cell(f"{cell.plain} (n={len(score.values)})") if fewer and score else cell)
    return *cells(*_names(arm), count), *row


def _names(arm: Arm) -> Iterable[str]:
    """One name for each column that names an arm."""
    return (name for _, name in arm.choices)


def _score_cell(score: Score | None, name: str, with_spread: bool) -> Cell:
    if score is None:
        return Cell(NOT_AVAILABLE)
    return score_cell(describe(name), score.mean, score.spread if with_spread else math.nan)


def _commit(name: str) -> str:
    """The first digits of a commit, and whether the tree differed from it."""
    digits, plus, changes = name.partition("+")
    return f"{digits[:10]}{plus}{changes}"


def _joined(names: Iterable[str]) -> str:
    return ", ".join(name for name in names if name) or NOT_AVAILABLE
