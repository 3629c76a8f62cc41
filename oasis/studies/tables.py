"""The tables of a report: scores, differences, costs, runs."""

import math
import statistics
from collections.abc import Iterable, Sequence

from oasis.evaluation import Score
from oasis.metrics.names import MetricInfo, describe
from oasis.report import Cell, Table, cells
from oasis.report.numbers import NOT_AVAILABLE, score_cell
from oasis.studies.differences import CONFIDENCE, Difference
from oasis.studies.overall import Factor
from oasis.studies.run import COSTS
from oasis.studies.study import Arm, Setting

_REAL, _UNTRAINED = "real photos", "untrained"


def score_table(setting: Setting) -> Table:
    """A row an arm, a column a metric: mean ± spread over seeds; floor and ceiling below."""
    heads = cells("encoding", "discriminator", "n", *(describe(name).heading for name in setting.metrics))
    rows = [_score_row(setting, arm) for arm in setting.arms]
    references = [
        (_REAL, {run.origin: run.real_photos for run in setting.runs}),
        (_UNTRAINED, {run.origin: run.untrained for run in setting.runs}),
    ]
    apart = []
    for title, group in references:
        scores = [setting.reference(group, name) for name in setting.metrics]
        if any(scores):
            # Real photos are the same in all runs: a spread of them would be noise of the last digit.
            row = [
                _score_cell(score, name, title == _UNTRAINED)
                for name, score in zip(setting.metrics, scores, strict=True)
            ]
            apart.append((*cells(title, "", ""), *row))
    return Table(heads, (*rows, *apart), reference_rows=len(apart))


def difference_table(setting: Setting, pairs: Sequence[tuple[Arm, Arm]], heading: str) -> Table:
    """A row a pair of arms, a column a metric: mean difference and its 95 % interval, bold where that leaves out 0.

    Args:
        setting: what is compared.
        pairs: one arm, and the one that is taken from it.
        heading: of the first column, which names the first arm.
    """
    heads = cells(heading, "n", *(describe(name).heading for name in setting.metrics))
    rows = []
    for arm, other in pairs:
        differences = {name: setting.difference(arm, other, name) for name in setting.metrics}
        count = max((one.pairs for one in differences.values()), default=0)
        row = [Cell(told(one, describe(name)), strong=one.told_apart) for name, one in differences.items()]
        rows.append((*cells(arm, count), *row))
    return Table(heads, tuple(rows))


def overall_table(setting: Setting, factors: Sequence[Factor]) -> Table:
    """A row a factor, a column a metric: p values, bold below 0.05."""
    heads = cells("what differs", "levels", "blocks", *(describe(name).heading for name in setting.metrics))
    rows = []
    for factor in factors:
        chances = (factor.chances[name] for name in setting.metrics)
        row = [Cell(NOT_AVAILABLE if math.isnan(p) else f"{p:.2g}", strong=p < 1 - CONFIDENCE) for p in chances]
        rows.append((*cells(factor.name, factor.levels, factor.blocks), *row))
    return Table(heads, tuple(rows))


def cost_table(setting: Setting) -> Table:
    """A row an arm, a column a cost: the median over its runs."""
    known = [name for name in COSTS if any(name in run.costs for run in setting.runs)]
    rows = []
    for arm in setting.arms:
        row = []
        for name in known:
            values = [run.costs[name] for run in setting.of(arm) if math.isfinite(run.costs.get(name, math.nan))]
            row.append(Cell(f"{statistics.median(values) / COSTS[name][1]:.4g}" if values else NOT_AVAILABLE))
        devices = dict.fromkeys(run.facts.get("device", "") for run in setting.of(arm))
        rows.append((*cells(arm.encoding, arm.discriminator), *row, Cell(_joined(devices))))
    return Table(cells("encoding", "discriminator", *(COSTS[name][0] for name in known), "device"), tuple(rows))


def run_table(setting: Setting) -> Table:
    """A row a run: where each number comes from."""
    rows = [
        cells(run.encoding, run.discriminator, run.seed, run.batches,
              _commit(run.facts.get("commit", NOT_AVAILABLE)), run.origin)
        for arm in setting.arms for run in setting.of(arm)
    ]  # fmt: skip
    return Table(cells("encoding", "discriminator", "seed", "batches", "commit", "from"), tuple(rows), prose=True)


def told(difference: Difference, info: MetricInfo) -> str:
    """A difference in the metric's own unit: `+1.20 [-0.31, +2.71]`; without interval where there is one pair."""
    if not difference.pairs:
        return NOT_AVAILABLE
    low, high = difference.interval
    decimals = info.decimals_of(difference.mean)
    mean, lower, upper = (info.show(value, decimals, signed=True) for value in (difference.mean, low, high))
    return mean if math.isnan(low) else f"{mean} [{lower}, {upper}]"


def _score_row(setting: Setting, arm: Arm) -> tuple[Cell, ...]:
    count = len(setting.of(arm))
    row = []
    for name in setting.metrics:
        score = setting.score(arm, name)
        cell = _score_cell(score, name, True)
        fewer = score is not None and len(score.values) < count
        row.append(Cell(f"{cell.plain} (n={len(score.values)})") if fewer and score else cell)
    return *cells(arm.encoding, arm.discriminator, count), *row


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
