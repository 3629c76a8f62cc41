"""The tables of a report: scores, differences, costs, runs."""

import math
import statistics
from collections.abc import Iterable, Sequence

from oasis.evaluation import Score
from oasis.metrics.names import MetricInfo, describe
from oasis.studies.differences import CONFIDENCE, Difference
from oasis.studies.overall import Factor
from oasis.studies.page import Cell, Table
from oasis.studies.run import COSTS
from oasis.studies.study import Arm, Setting

NOTHING = "-"
_DECIMALS = 2  # of a metric that sets none
_REAL, _UNTRAINED = "real photos", "untrained"


def score_table(setting: Setting) -> Table:
    """A row an arm, a column a metric: mean ± spread over seeds; floor and ceiling below."""
    heads = ("encoding", "discriminator", "n", *(describe(name).heading for name in setting.metrics))
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
            cells = [
                _score_cell(score, name, title == _UNTRAINED)
                for name, score in zip(setting.metrics, scores, strict=True)
            ]
            apart.append((Cell(title), Cell(""), Cell(""), *cells))
    return Table(heads, (*rows, *apart), len(apart))


def difference_table(setting: Setting, pairs: Sequence[tuple[Arm, Arm]], heading: str) -> Table:
    """A row a pair of arms, a column a metric: mean difference and its 95 % interval, bold where that leaves out 0.

    Args:
        setting: what is compared.
        pairs: one arm, and the one that is taken from it.
        heading: of the first column, which names the first arm.
    """
    heads = (heading, "n", *(describe(name).heading for name in setting.metrics))
    rows = []
    for arm, other in pairs:
        differences = {name: setting.difference(arm, other, name) for name in setting.metrics}
        count = max((one.pairs for one in differences.values()), default=0)
        cells = [Cell(told(one, describe(name)), one.told_apart) for name, one in differences.items()]
        rows.append((Cell(str(arm)), Cell(str(count)), *cells))
    return Table(heads, tuple(rows))


def overall_table(setting: Setting, factors: Sequence[Factor]) -> Table:
    """A row a factor, a column a metric: p values, bold below 0.05."""
    heads = ("what differs", "levels", "blocks", *(describe(name).heading for name in setting.metrics))
    rows = []
    for factor in factors:
        chances = (factor.chances[name] for name in setting.metrics)
        cells = [Cell(NOTHING if math.isnan(p) else f"{p:.2g}", p < 1 - CONFIDENCE) for p in chances]
        rows.append((Cell(factor.name), Cell(str(factor.levels)), Cell(str(factor.blocks)), *cells))
    return Table(heads, tuple(rows))


def cost_table(setting: Setting) -> Table:
    """A row an arm, a column a cost: the median over its runs."""
    known = [name for name in COSTS if any(name in run.costs for run in setting.runs)]
    rows = []
    for arm in setting.arms:
        cells = []
        for name in known:
            values = [run.costs[name] for run in setting.of(arm) if math.isfinite(run.costs.get(name, math.nan))]
            cells.append(Cell(f"{statistics.median(values) / COSTS[name][1]:.4g}" if values else NOTHING))
        devices = dict.fromkeys(run.facts.get("device", "") for run in setting.of(arm))
        rows.append((Cell(arm.encoding), Cell(arm.discriminator), *cells, Cell(_joined(devices))))
    return Table(("encoding", "discriminator", *(COSTS[name][0] for name in known), "device"), tuple(rows))


def run_table(setting: Setting) -> Table:
    """A row a run: where each number comes from."""
    rows = [
        (Cell(run.encoding), Cell(run.discriminator), *map(_cell, (run.seed, run.batches)),
         Cell(_commit(run.facts.get("commit", NOTHING))), Cell(run.origin))
        for arm in setting.arms for run in setting.of(arm)
    ]  # fmt: skip
    return Table(("encoding", "discriminator", "seed", "batches", "commit", "from"), tuple(rows))


def told(difference: Difference, info: MetricInfo) -> str:
    """A difference in the metric's own unit: `+1.20 [-0.31, +2.71]`; without interval where there is one pair."""
    if not difference.pairs:
        return NOTHING
    low, high = difference.interval
    mean = signed(difference.mean, info)
    return mean if math.isnan(low) else f"{mean} [{signed(low, info)}, {signed(high, info)}]"


def signed(value: float, info: MetricInfo) -> str:
    """A number in the metric's own unit, with its sign."""
    decimals = _DECIMALS if info.decimals is None else info.decimals
    return f"{round(info.factor * value, decimals) + 0.0:+.{decimals}f}"


def _score_row(setting: Setting, arm: Arm) -> tuple[Cell, ...]:
    count = len(setting.of(arm))
    cells = []
    for name in setting.metrics:
        score = setting.score(arm, name)
        cell = _score_cell(score, name, True)
        fewer = score is not None and len(score.values) < count
        cells.append(Cell(f"{cell.text} (n={len(score.values)})") if fewer and score else cell)
    return Cell(arm.encoding), Cell(arm.discriminator), Cell(str(count)), *cells


def _score_cell(score: Score | None, name: str, with_spread: bool) -> Cell:
    if score is None:
        return Cell(NOTHING)
    info = describe(name)
    spread = with_spread and not math.isnan(score.spread)
    return Cell(f"{info.show(score.mean)} ± {info.show(score.spread)}" if spread else info.show(score.mean))


def _commit(name: str) -> str:
    """The first digits of a commit, and whether the tree differed from it."""
    digits, plus, changes = name.partition("+")
    return f"{digits[:10]}{plus}{changes}"


def _joined(names: Iterable[str]) -> str:
    return ", ".join(name for name in names if name) or NOTHING


def _cell(value: object) -> Cell:
    return Cell(str(value))
