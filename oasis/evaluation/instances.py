"""The part of the report on single instances: how many are found, by their properties."""

from collections.abc import Sequence

from oasis.evaluation.plots import plot_classes
from oasis.evaluation.results import Comparison
from oasis.evaluation.rows import class_metrics, rows
from oasis.metrics.names import describe, split_class
from oasis.report import Cell, Picture, Section, Table
from oasis.report.themes import DARK, LIGHT

_PROPERTIES = {
    "area": "By area of the instance in the label map",
    "fill": "By share of its bounding box that an instance fills",
    "contact": "By contact with another instance of the class",
}
_KINDS = {"": "all instances", "touching_": "only those that touch another one of their class"}
_BEFORE = (
    "In percent: the share of the label map's instances that the segmenter finds in the pictures (IoU above 0.5). "
    "A label map does not say how much of a thing is hidden. Things that others cut fill less of their box, and so do "
    "thin and slanted ones: read it as a hint."
)
_PLOTTED = "segmenter/recall_by_area"
FAMILIES = frozenset(
    f"segmenter/{kind}{score}_by_{name}" for kind in _KINDS for score in ("recall", "count") for name in _PROPERTIES
)  # which are shown here and not among the scores of classes


def instances(comparison: Comparison, columns: Sequence[Cell]) -> Section:
    """The tables and a plot; an empty section if no segmenter found instances.

    Args:
        comparison: the results.
        columns: headings of the checkpoints and references.
    """
    families = class_metrics(comparison)
    tables = []
    for name, title in _PROPERTIES.items():
        body: list[tuple[Cell, ...]] = []
        groups: dict[int, str] = {}
        for kind, words in _KINDS.items():
            found = families.get(f"segmenter/{kind}recall_by_{name}", [])
            if found and (kind or name != "contact"):
                groups[len(body)] = words
            body += _body(comparison, found)
        if body:
            heads = (Cell(title), Cell("Instances"), *columns)
            tables.append(Table(heads, tuple(body), reference_columns=len(comparison.references), groups=groups))
    if not tables:
        return Section("Instances")
    light, dark = (plot_classes(comparison, _PLOTTED, theme) for theme in (LIGHT, DARK))
    picture = Picture("Instances found by their area", light, dark)
    return Section("Instances", (_BEFORE,), tables=tuple(tables), pictures=(picture,), grid=24, anchor="instances")


def _body(comparison: Comparison, names: Sequence[str]) -> list[tuple[Cell, ...]]:
    """One row per bin: its name, the number of instances, the recall of each column."""
    body = []
    for row in rows(comparison, names):
        counted = row.name.replace("recall_by_", "count_by_")
        counts = {score.values[0] for one in comparison.all_columns() if (score := one.scores.get(counted))}
        # The same label maps in all columns; else there is no one number.
        number = describe(counted).show(counts.pop()) if len(counts) == 1 else ""
        body.append((Cell(split_class(row.name)[1] or ""), Cell(number), *row.cells, *row.references))
    return body
