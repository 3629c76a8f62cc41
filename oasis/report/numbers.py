"""Scores as every table prints them; the precision of a number is that of its metric, `MetricInfo.show`."""

import math

from oasis.metrics.names import MetricInfo
from oasis.report.page import Cell

NOT_AVAILABLE = "-"


def score_cell(info: MetricInfo, mean: float, spread: float, values: tuple[float, ...] = ()) -> Cell:
    """A mean and its standard deviation, with the same number of decimals.

    Args:
        info: the metric.
        mean: `-` where it is nan.
        spread: left out where it is nan.
        values: those that the mean is taken of, to be shown on demand; not if there is only one.
    """
    decimals = info.decimals_of(mean)
    known = not math.isnan(mean) and not math.isnan(spread)
    note = f"each seed: {', '.join(info.show(value, decimals) for value in values)}" if len(values) > 1 else ""
    return Cell(info.show(mean, decimals), info.show(spread, decimals) if known else "", note=note)
