"""Learning curves and intervals, for light and dark pages."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oasis.metrics.names import describe
from oasis.report import Picture
from oasis.report.themes import COLORS, DARK, LIGHT, Theme, color_of, figure_png, themed
from oasis.studies.arms import Arm
from oasis.studies.run import Run
from oasis.studies.study import RunGroup

LOSSES = ("generator/adversarial", "discriminator/real", "discriminator/fake")
_DPI = 130
_LONG = 40  # letters of an arm's name; longer ones need a wider picture
_STYLE = {"font.size": 8}
_SMOOTHED = 20  # a loss is averaged over this fraction of the run
_FEWEST_POINTS = 2
_MOST_DOTS = 30  # beyond it a line has no markers


def curve_pictures(group: RunGroup, prefix: str) -> list[Picture]:
    """Learning curves: the losses, and metrics that were measured more than once.

    Args:
        group: of one or several discriminators, with one panel each.
        prefix: of the files' names.
    """
    names = [name for name in (*group.metrics, *LOSSES) if _is_curve(group, name)]
    pictures = []
    for name in names:
        light, dark = (plot_curves(group, name, theme) for theme in (LIGHT, DARK))
        smoothed = ", smoothed over a twentieth of the run" if name in LOSSES else ""
        caption = f"{describe(name).heading}{smoothed}: mean over the seeds, and the band of one standard deviation"
        pictures.append(Picture(caption, light, dark, f"{prefix}_{name.replace('/', '_')}.png"))
    return pictures


def interval_picture(group: RunGroup, pairs: Sequence[tuple[Arm, Arm]], name: str) -> Picture | None:
    """All differences with their 95 % intervals, one panel per metric; None if there are none. `name`: of its file."""
    names = [name for name in group.metrics if any(group.difference(*pair, name).pairs > 1 for pair in pairs)]
    if not names:
        return None
    light, dark = (plot_intervals(group, pairs, names, theme) for theme in (LIGHT, DARK))
    return Picture(
        "Differences from the baseline, a dot a seed, their mean and its 95 % interval; grey where it contains 0",
        light,
        dark,
        f"{name}.png",
    )


def plot_curves(group: RunGroup, name: str, theme: Theme) -> bytes:
    """One logged number over the batches, one line per encoding, one panel per discriminator or other choice.

    Returns:
        A PNG.
    """
    encodings = list(dict.fromkeys(arm.encoding for arm in group.arms))
    info = describe(name)
    with themed(theme, **_STYLE):
        figure = Figure(figsize=(5.2 * len(group.contexts), 3.6), layout="constrained")
        panels: Any = figure.subplots(1, len(group.contexts), sharey=True, squeeze=False)[0]
        for axes, arms in zip(panels, group.contexts, strict=True):
            for arm in arms:
                _draw_band(axes, group.of(arm), name, encodings.index(arm.encoding))
            context = ", ".join(f"{part}: {chosen}" for part, chosen in arms[0].context)
            axes.set_title(context, loc="left", fontsize=9)
            axes.set_xlabel("batches")
            axes.grid(alpha=0.25)
        panels[0].set_ylabel(f"{info.title} {info.unit}".strip())
        handles = {
            text: handle for axes in panels for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(list(handles.values()), list(handles), loc="outside right upper", frameon=False, fontsize=8)
        return figure_png(figure, _DPI)


def plot_intervals(group: RunGroup, pairs: Sequence[tuple[Arm, Arm]], names: Sequence[str], theme: Theme) -> bytes:
    """Differences with their intervals, one row per pair of arms, one panel per metric.

    Returns:
        A PNG.
    """
    with themed(theme, **_STYLE):
        columns = min(3, len(names))
        rows = math.ceil(len(names) / columns)
        longest = max(len(str(arm)) for arm, _ in pairs)
        beside = 1.6 + 0.065 * max(0, longest - _LONG)
        figure = Figure(figsize=(beside + 3.0 * columns, rows * (0.8 + 0.24 * len(pairs))), layout="constrained")
        panels: list[Any] = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
        for axes, name in zip(panels, names, strict=False):
            _draw_intervals(axes, group, pairs, name, theme)
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        return figure_png(figure, _DPI)


def band(
    runs: Sequence[Run], name: str, parts: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Batches at which all runs logged a value, its mean over the runs, and its standard deviation (n - 1).

    Args:
        runs: of one arm.
        name: of the logged value.
        parts: each run is first averaged over 1 / parts of it; 0 = not averaged.

    Returns:
        Three arrays of equal length; the deviation is 0 for a single run.
    """
    curves = [dict(run.curves[name]) for run in runs if run.curves.get(name)]
    batches = sorted(set.intersection(*(set(curve) for curve in curves))) if curves else []
    if not batches:
        return np.empty(0), np.empty(0), np.empty(0)
    window = max(1, len(batches) // parts) if parts else 1
    kernel = np.ones(window) / window
    values = np.array([np.convolve([curve[batch] for batch in batches], kernel, mode="valid") for curve in curves])
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(values.shape[1])
    return np.array(batches[window - 1 :], dtype=np.float64), values.mean(axis=0), spread


def _is_curve(group: RunGroup, name: str) -> bool:
    return any(len(run.curves.get(name, ())) >= _FEWEST_POINTS for run in group.runs)


def _draw_band(axes: Axes, runs: Sequence[Run], name: str, place: int) -> None:
    batches, mean, spread = band(runs, name, _SMOOTHED if name in LOSSES else 0)
    factor, color = describe(name).factor, color_of(place)
    style = "-" if place < len(COLORS) else "--"
    marker = "" if len(batches) > _MOST_DOTS else "."
    # Prefixed by a space: matplotlib leaves labels that begin with "_" out of a legend.
    axes.plot(batches, factor * mean, style, color=color, label=f" {runs[0].encoding}", linewidth=1.4, marker=marker)
    axes.fill_between(batches, factor * (mean - spread), factor * (mean + spread), color=color, alpha=0.15, linewidth=0)


def _draw_intervals(axes: Axes, group: RunGroup, pairs: Sequence[tuple[Arm, Arm]], name: str, theme: Theme) -> None:
    info = describe(name)
    for row, (arm, other) in enumerate(pairs):
        one = group.difference(arm, other, name)
        low, high = (info.factor * end for end in one.interval)
        color = color_of(0) if one.significant else theme.faint
        axes.plot([low, high], [row, row], color=color, linewidth=2)
        axes.plot(info.factor * one.mean, row, "|", color=color, markersize=11, markeredgewidth=2)
        axes.plot([info.factor * value for value in one.values.values()], [row] * one.pairs, ".", color=theme.ink, ms=3)
    axes.axvline(0, color=theme.ink, linewidth=0.8)
    axes.set_yticks(range(len(pairs)), [str(arm) for arm, _ in pairs])
    axes.set_ylim(len(pairs) - 0.5, -0.5)
    axes.set_title(info.heading, loc="left", fontsize=9, fontweight="bold")
    axes.locator_params(axis="x", nbins=4)
    axes.grid(axis="x", alpha=0.25)
