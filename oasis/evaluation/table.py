"""The results as a table for the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

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
from oasis.report import Cell
from oasis.report.terminal import visible

_LONGEST_NAME = 24  # of a heading over one line of numbers; beyond it the numbers would be far apart
_TITLE = 22  # columns for a metric's title, before it is folded
_ENDLESS = 100_000
_APART = "dim"  # style of the references


def results_table(comparison: Comparison, *, per_class: bool = False) -> RenderableType:
    """A comparison as a rich table: one row per metric, one column per checkpoint, the references at the right.

    If the terminal is too narrow, spreads go below their means, names become letters that are explained below the
    table, and finally the checkpoints are split over several tables, each with the references.

    Args:
        comparison: the results.
        per_class: also print the metrics of single classes.
    """
    names = [summary_metrics(comparison), *(class_metrics(comparison).values() if per_class else ())]
    content = rows(comparison, list(chain.from_iterable(names)))
    table = _FittingTable(comparison, content) if content else Text("No score was measured, only pictures generated.")
    return Group(Text(measured(comparison), style="bold"), table, *_remarks(comparison))


@dataclass(frozen=True)
class _Layout:
    """A layout of the table.

    Attributes:
        headings: of all columns, references last.
        stacked: whether spreads are below their means.
        checkpoints: number of checkpoints per table.
    """

    headings: tuple[str, ...]
    stacked: bool
    checkpoints: int


class _FittingTable:
    """The table in the most spacious layout that fits the terminal."""

    def __init__(self, comparison: Comparison, content: Sequence[Row]) -> None:
        self.comparison = comparison
        self.content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        endless = options.update(max_width=_ENDLESS)  # otherwise tables measure at most the available width
        for layout in self._layouts():
            tables = list(self._tables(layout))
            if all(Measurement.get(console, endless, table).maximum <= options.max_width for table in tables):
                break
        yield from tables
        for column, heading in zip(self.comparison.all_columns(), layout.headings, strict=True):
            if heading != visible(column.name):
                yield Padding.indent(Text.assemble((heading, "bold"), f" = {visible(column.name)}", overflow="fold"), 1)

    def _layouts(self) -> Iterator[_Layout]:
        """From the most spacious to the narrowest."""
        names = [visible(column.name) for column in self.comparison.all_columns()]
        count = len(self.comparison.columns)
        short, letters = _short_references(self.comparison.references), keys(self.comparison)
        named, shorter, lettered = tuple(names), (*names[:count], *short), (*letters, *short)
        if max(map(len, names), default=0) <= _LONGEST_NAME:
            yield from (_Layout(headings, False, count) for headings in (named, shorter))
        yield _Layout(lettered, False, count)
        yield from (_Layout(headings, True, count) for headings in (named, shorter, lettered))
        yield from (_Layout(lettered, True, fewer) for fewer in range(count - 1, 0, -1))

    def _tables(self, layout: _Layout) -> Iterator[Table]:
        count = len(self.comparison.columns)
        for start in range(0, max(count, 1), max(layout.checkpoints, 1)):
            yield self._table(layout, slice(start, min(start + layout.checkpoints, count)), count)

    def _table(self, layout: _Layout, part: slice, count: int) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1 if layout.stacked else 2, 0, 0))
        table.add_column("", max_width=_TITLE if layout.stacked else None)
        for heading in layout.headings[:count][part]:
            table.add_column(Text(heading), justify="right", no_wrap=True)
        if self.comparison.references:
            table.add_column(Text("│"), style=_APART)
        for heading in layout.headings[count:]:
            table.add_column(Text(heading), justify="right", style=_APART, header_style=_APART, no_wrap=True)
        for row, following in zip(self.content, [*self.content[1:], None], strict=True):
            cells = [_text(cell, layout) for cell in row.cells[part]]
            references = [_text(cell, layout) for cell in row.references]
            apart = [_rule(layout)] if references else []
            section = following is not None and following.info.group != row.info.group
            table.add_row(Text(visible(row.info.heading)), *cells, *apart, *references, end_section=section)
        return table


def _short_references(references: Sequence[Column]) -> list[str]:
    """The first word of each, numbered if two have the same."""
    words = [(visible(column.name).split() or [""])[0][:9] for column in references]
    return [word if words.count(word) == 1 else f"{word}{number}" for number, word in enumerate(words, 1)]


def _text(cell: Cell, layout: _Layout) -> Text:
    stacked = layout.stacked and cell.spread
    return Text(f"{cell.text}\n±{cell.spread}" if stacked else cell.plain, style="bold green" if cell.strong else "")


def _rule(layout: _Layout) -> Text:
    return Text("│\n│" if layout.stacked else "│")


def _remarks(comparison: Comparison) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(visible(meaning_of_spread(comparison)), style=_APART)
    for sentence in (*protocols(comparison), *time_split(comparison)):
        yield Text(visible(sentence), style=_APART)
    for note in comparison.notes:
        yield Text.assemble(("Note: ", "yellow"), visible(note))
