"""Formatting of scores in tables, with the precision of their metric, see `MetricInfo.show`."""

import math

from oasis.metrics.metric_info import MetricInfo
from oasis.report.page import Cell

NOT_AVAILABLE = "-"


def score_cell(info: MetricInfo, mean: float, spread: float, values: tuple[float, ...] = ()) -> Cell:
    """A mean and its standard deviation, with the same number of decimals.

    Args:
        info: the metric.
        mean: shown as `-` if it is nan.
        spread: left out if it is nan.
        values: the values of the mean, shown on demand if there are several.
    """
    decimals = info.decimals_of(mean)
    known = not math.isnan(mean) and not math.isnan(spread)
    note = f"each seed: {', '.join(info.show(value, decimals) for value in values)}" if len(values) > 1 else ""
    return Cell(info.show(mean, decimals), info.show(spread, decimals) if known else "", note=note)
