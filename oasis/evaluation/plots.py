"""Plots of a comparison, for light and dark pages."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from oasis.evaluation.results import Column, Comparison, Score
from oasis.evaluation.rows import keys
from oasis.metrics.names import describe, describe_family, split_class
from oasis.report.themes import COLORS, Theme, color_of, figure_png, themed

_MARKERS = "osD^vP*X"
_DPI = 150
_LONGEST_NAME = 20  # characters of a checkpoint's name beside its dots
_UNKNOWN = Score((math.nan,))
_STYLE = {"font.size": 9, "ytick.major.size": 0, "axes.spines.left": False}
_FAR = 1.0  # a reference farther from the checkpoints than this times their spread is not drawn to scale


def plot_seeds(comparison: Comparison, name: str, theme: Theme) -> bytes:
    """One metric: a dot for each seed's value, a bar at their mean; references as dashed lines.

    A reference so far away that it would squeeze the checkpoints together is written as a number at the side.

    Args:
        comparison: the results.
        name: of the metric.
        theme: the colours.

    Returns:
        A PNG.
    """
    info = describe(name)
    columns = [*comparison.columns, *(column for column in comparison.references if _values(column, name))]
    references = columns[len(comparison.columns) :]
    with themed(theme, **_STYLE):
        figure = Figure(figsize=(3.5, 0.85 + 0.27 * len(columns)), layout="constrained")
        axes = figure.subplots()
        for row, column in enumerate(columns):
            values = _values(column, name, info.factor)
            if row < len(comparison.columns):
                _draw_seeds(axes, row, values, theme)
            elif not _is_far(comparison, name, column):
                axes.axvline(float(np.mean(values)), color=theme.faint, linestyle="--", linewidth=0.9, zorder=1)
                axes.plot(np.mean(values), row, "|", color=theme.ink, markersize=11, markeredgewidth=1.6)
        axes.margins(x=0.08)
        for row, column in enumerate(references, len(comparison.columns)):
            if _is_far(comparison, name, column):
                _write_far(axes, row, float(np.mean(_values(column, name, info.factor))), theme)
        names = [*_short_names(comparison), *(_cut(column.name) for column in references)]
        axes.set_yticks(range(len(columns)), names)
        axes.set_ylim(len(columns) - 0.4, -0.6)
        axes.set_title(info.heading, loc="left", fontsize=10, fontweight="bold")
        axes.locator_params(axis="x", nbins=4)
        axes.grid(axis="x", alpha=0.25)
        return figure_png(figure, _DPI)


def plot_classes(comparison: Comparison, family: str, theme: Theme) -> bytes:
    """One metric per class: a bar for each checkpoint, a mark for each reference.

    Args:
        comparison: the results.
        family: the prefix of the metrics' names, such as `segmenter/iou`.
        theme: the colours.

    Returns:
        A PNG.
    """
    info = describe_family(family)
    classes = [split_class(name)[1] or "" for name in comparison.metrics() if split_class(name)[0] == family]
    classes = [name for name in classes if name]
    count = max(1, len(comparison.columns))
    thick = 0.8 / count
    with themed(theme, **_STYLE):
        figure = Figure(figsize=(5.2, 1.3 + len(classes) * (0.16 + 0.09 * count)), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(classes))
        handles: list[Any] = []
        for number, column in enumerate(comparison.columns):
            means, spreads = _class_scores(column, family, classes, info.factor)
            offsets = places + (number - (count - 1) / 2) * thick
            handles.append(
                axes.barh(offsets, means, thick * 0.9, xerr=spreads, color=color_of(number), ecolor=theme.ink)
            )
        for number, column in enumerate(comparison.references):
            means, _ = _class_scores(column, family, classes, info.factor)
            ink = (theme.ink, theme.faint)[number % 2]
            axes.vlines(means, places - 0.45, places + 0.45, colors=ink, linewidth=1.8, zorder=3)
            handles.append(Line2D([], [], color=ink, marker="|", linestyle="", markersize=11, markeredgewidth=1.8))
        axes.set_yticks(places, classes)
        axes.set_ylim(len(classes) - 0.4, -0.6)
        axes.grid(axis="x", alpha=0.25)
        axes.set_xlabel(f"{info.title} {info.unit}")
        _legend(figure, handles, comparison)
        return figure_png(figure, _DPI)


def _legend(figure: Figure, handles: Sequence[Any], comparison: Comparison) -> None:
    # Prefixed by a letter or space: matplotlib leaves labels that begin with "_" out of a legend.
    texts = [
        f"{key}  {_cut(column.name, 40)}" for key, column in zip(keys(comparison), comparison.columns, strict=True)
    ]
    texts += [f" {_cut(column.name, 40)}" for column in comparison.references]
    columns = 1 if max((len(text) for text in texts), default=0) > 2 * _LONGEST_NAME else 2
    figure.legend(handles, texts, loc="outside upper left", ncols=columns, frameon=False, fontsize=8)


def _draw_seeds(axes: Axes, row: int, values: Sequence[float], theme: Theme) -> None:
    color, marker = color_of(row), _MARKERS[row // len(COLORS) % len(_MARKERS)]
    # Jittered vertically, so that equal values can be counted.
    heights = row + np.linspace(-0.16, 0.16, len(values)) if len(values) > 1 else [row] * len(values)
    axes.plot(values, heights, marker, color=color, markersize=5, alpha=0.75, markeredgewidth=0)
    if len(values) > 1:
        axes.plot(np.mean(values), row, "|", color=theme.ink, markersize=13, markeredgewidth=1.4)


def _write_far(axes: Axes, row: int, value: float, theme: Theme) -> None:
    left, right = axes.get_xlim()
    text, side, align = (f"{value:.4g} →", right, "right") if value > right else (f"← {value:.4g}", left, "left")
    axes.annotate(
        text,
        (side, row),
        xytext=(-4 if align == "right" else 4, 0),
        textcoords="offset points",
        ha=align,
        va="center",
        color=theme.ink,
        fontsize=8,
    )


def _is_far(comparison: Comparison, name: str, reference: Column) -> bool:
    values = [value for column in comparison.columns for value in _values(column, name)]
    own = _values(reference, name)
    if len(comparison.columns) < 2 or not values or not own:
        return False
    low, high, mean = min(values), max(values), float(np.mean(own))
    return max(low - mean, mean - high) > _FAR * (high - low) > 0


def _values(column: Column, name: str, factor: float = 1.0) -> list[float]:
    """The seeds' values that are not nan, as printed."""
    score = column.scores.get(name)
    return [value * factor for value in score.values if math.isfinite(value)] if score else []


def _class_scores(
    column: Column, family: str, classes: Sequence[str], factor: float
) -> tuple[list[float], list[float]]:
    """Mean and spread of every class; nan if there is none."""
    scores = [column.scores.get(f"{family}/{name}", _UNKNOWN) for name in classes]
    means = [score.mean * factor for score in scores]
    spreads = [math.nan if math.isnan(score.mean) else score.spread * factor for score in scores]
    return means, spreads


def _short_names(comparison: Comparison) -> list[str]:
    """Letter and shortened name; the letter makes it unique."""
    return [f"{key}  {_cut(column.name)}" for key, column in zip(keys(comparison), comparison.columns, strict=True)]


def _cut(name: str, longest: int = _LONGEST_NAME) -> str:
    """A name without its middle, if it is too long."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"
