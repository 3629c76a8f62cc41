"""The results of an evaluation as one HTML file."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from oasis.evaluation.instances import FAMILIES, instances
from oasis.evaluation.jpegs import small_jpegs
from oasis.evaluation.plots import plot_classes, plot_seeds
from oasis.evaluation.results import Column, Comparison
from oasis.evaluation.rows import (
    Row,
    class_metrics,
    keys,
    meaning_of_spread,
    measured,
    protocols,
    rows,
    summary_metrics,
    time_split,
)
from oasis.metrics.names import describe_family, split_class
from oasis.report import Cell, Page, Picture, Section, Table, as_html, cells
from oasis.report.themes import DARK, LIGHT, color_of

_PLOTTED_FAMILIES = ("segmenter/iou", "segmenter/pq")
_DOTS = (
    "A dot is one noise seed or draw (of usefulness, one training), a bar their mean. Dashed: the references; where "
    "one is far away, its value stands at the side. The axes do not begin at 0."
)


def write_report(
    comparison: Comparison, samples: Sequence[tuple[str, Image.Image]], path: Path, command: str = ""
) -> None:
    """Write the report: tables, plots, samples and definitions in one file without scripts or links to other files.

    Args:
        comparison: the results.
        samples: caption and grid of pictures; the first is open on the page, the others are collapsed. They are
            compressed so that the file stays under 3 MB.
        path: the HTML file to write.
        command: the command line that made it.
    """
    path.write_text(as_html(compose(comparison, samples, command)), encoding="utf-8")


def compose(comparison: Comparison, samples: Sequence[tuple[str, Image.Image]], command: str = "") -> Page:
    """The report as a page; see `write_report`."""
    summary = rows(comparison, summary_metrics(comparison))
    sections = (
        _best(comparison, summary),
        _scores(comparison, summary),
        Section("Samples", pictures=tuple(_sample_pictures(samples)), anchor="samples"),
        Section("Each seed", (_DOTS,), pictures=tuple(_seed_plots(comparison, summary)), grid=17.5, anchor="plots"),
        instances(comparison, _columns(comparison)),
        _classes(comparison),
        _sources(comparison),
        Section("Time", items=tuple(time_split(comparison)), anchor="time"),
        Section("Definitions of the metrics", items=tuple(_definitions(summary)), anchor="definitions"),
    )
    count = len(comparison.columns)
    kind = "columns" if any(column.draws for column in comparison.columns) else "checkpoints"
    title = f"Evaluation of {comparison.columns[0].name if count == 1 else f'{count} {kind}'}"
    shown = tuple(section for section in sections if section.tables or section.items or section.pictures)
    return Page(title, measured(comparison), comparison.notes, shown, command)


def _best(comparison: Comparison, summary: Sequence[Row]) -> Section:
    """Each column and the metrics in which it is clearly the best."""
    titles = {
        column.name: [row.info.title for row in summary if row.cells[place].strong]
        for place, column in enumerate(comparison.columns)
    }
    items = tuple(f"{name}: {', '.join(best)}" for name, best in titles.items() if best)
    return Section("Clearly best", ("No other column's mean ± spread overlaps.",), items=items, anchor="best")


def _scores(comparison: Comparison, summary: Sequence[Row]) -> Section:
    groups: dict[int, str] = {}
    for place, row in enumerate(summary):
        if place == 0 or row.info.group != summary[place - 1].info.group:
            groups[place] = row.info.group
    named = [(Cell(row.info.heading, note=_note(comparison, row)), row) for row in summary]
    table = replace(_table(comparison, "Metric", named), groups=groups)
    notes = f"{meaning_of_spread(comparison)} ↑ higher is better, ↓ lower is better; “-”: measured, but not defined."
    references = " The columns at the right are references." if comparison.references else ""
    how = tuple(protocols(comparison))
    return Section("Scores", tables=(table,), items=how, after=(notes + references,), anchor="scores")


def _note(comparison: Comparison, row: Row) -> str:
    """The tooltip of a metric: its meaning, and how it was measured."""
    return " ".join(part for part in (row.info.meaning, comparison.protocols.get(row.name, "")) if part)


def _classes(comparison: Comparison) -> Section:
    tables = []
    pictures = []
    for family, names in class_metrics(comparison).items():
        if family in FAMILIES:
            continue
        info = describe_family(family)
        classes = [Cell(split_class(name)[1] or "") for name in names]
        table = _table(comparison, "Class", list(zip(classes, rows(comparison, names), strict=True)))
        tables.append(replace(table, folded=f"{info.heading}, {len(names)} classes", note=info.meaning))
        if family in _PLOTTED_FAMILIES:
            light, dark = (plot_classes(comparison, family, theme) for theme in (LIGHT, DARK))
            pictures.append(Picture(f"{info.title} of each class", light, dark))
    return Section("Each class", tables=tuple(tables), pictures=tuple(pictures), grid=24, anchor="classes")


def _table(comparison: Comparison, heading: str, named: Sequence[tuple[Cell, Row]]) -> Table:
    """One row per metric, one column per checkpoint and reference."""
    heads = (Cell(heading), *_columns(comparison))
    body = tuple((name, *row.cells, *row.references) for name, row in named)
    return Table(heads, body, reference_columns=len(comparison.references))


def _columns(comparison: Comparison) -> tuple[Cell, ...]:
    return (*_checkpoints(comparison), *cells(*(column.name for column in comparison.references)))


def _checkpoints(comparison: Comparison) -> Iterator[Cell]:
    """The name of each checkpoint, with its letter and colour."""
    for place, (key, column) in enumerate(zip(keys(comparison), comparison.columns, strict=True)):
        yield Cell(column.name, badge=key, color=color_of(place))


def _seed_plots(comparison: Comparison, summary: Sequence[Row]) -> Iterator[Picture]:
    for row in summary:
        if row.info.higher_is_better is not None and any(cell.text for cell in row.cells):
            light, dark = (plot_seeds(comparison, row.name, theme) for theme in (LIGHT, DARK))
            yield Picture(row.info.heading, light, dark)


def _sample_pictures(samples: Sequence[tuple[str, Image.Image]]) -> Iterator[Picture]:
    for place, ((caption, _), file) in enumerate(zip(samples, small_jpegs([one for _, one in samples]), strict=True)):
        yield Picture(caption, file, wide=True, folded=place > 0)


def _sources(comparison: Comparison) -> Section:
    def row(name: Cell, column: Column) -> tuple[Cell, ...]:
        facts = "; ".join(f"{fact}: {value}" for fact, value in column.facts.items())
        return name, Cell(column.origin), Cell(facts)

    names = _columns(comparison)
    body = tuple(row(name, column) for name, column in zip(names, comparison.all_columns(), strict=True))
    table = Table(cells("Column", "Source", "Details"), body, reference_rows=len(comparison.references), prose=True)
    return Section("What was compared", tables=(table,), anchor="sources")


def _definitions(summary: Sequence[Row]) -> Iterator[str]:
    for row in summary:
        if row.info.meaning:
            factor = "" if row.info.factor == 1 else f", there not multiplied by {row.info.factor:g}"
            yield f"{row.info.heading}: {row.info.meaning} In the files: {row.name}{factor}."
