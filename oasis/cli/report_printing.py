"""The output of `oasis report`."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from oasis.report import Table as PageTable
from oasis.report.terminal import visible
from oasis.studies.overall import factors, overall_conclusions
from oasis.studies.pairs import comparisons
from oasis.studies.study import Study
from oasis.studies.tables import score_table
from oasis.studies.words import conclusions

GAP = 3  # blanks between two columns


def print_study(study: Study, console: Console) -> None:
    """Print scores and conclusions of each group, then omitted runs and notes."""
    for number, group in enumerate(study.groups, 1):
        if len(study.groups) > 1:
            console.print(Text(f"\nSetting {number}", style="bold"))
        for table in _tables(score_table(group), len(group.choices) + 1, console.width):
            console.print(table, "", sep="\n")
        sentences = overall_conclusions(factors(group))
        if compared := comparisons(group):
            sentences += conclusions(compared[0].group, compared[0].pairs)
        for sentence in sentences:
            console.print(Text(visible(sentence)), soft_wrap=True)
    for one in study.left_out:
        console.print(Text.assemble(("Left out: ", "yellow"), visible(f"{one.origin}: {one.reason}")), soft_wrap=True)
    for warning in study.warnings:
        console.print(Text.assemble(("Warning: ", "yellow"), visible(warning)), soft_wrap=True)


def _tables(table: PageTable, naming: int, width: int) -> Iterator[Table]:
    """The table, split into pieces that fit the width; each begins with the first `naming` columns."""
    names = [*range(naming)]
    piece: list[int] = []
    for place in range(naming, len(table.heads)):
        if piece and sum(_width_of(table, one) + GAP for one in [*names, *piece, place]) - GAP > width:
            yield _piece(table, [*names, *piece], naming)
            piece = []
        piece.append(place)
    yield _piece(table, [*names, *piece], naming)


def _width_of(table: PageTable, place: int) -> int:
    """The least width of a column: its heading may be broken between words, its cells may not."""
    texts = [*visible(table.heads[place].text).split(), *(visible(row[place].plain) for row in table.rows)]
    return max(cell_len(text) for text in texts)


def _piece(table: PageTable, places: Sequence[int], naming: int) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place in places:
        justify: JustifyMethod = "right" if place >= naming - 1 else "left"
        drawn.add_column(Text(visible(table.heads[place].text)), justify=justify, width=_width_of(table, place))
    for number, row in enumerate(table.rows):
        apart = number >= len(table.rows) - table.reference_rows
        styles = ("dim" if apart else "bold" if row[place].strong else "" for place in places)
        drawn.add_row(
            *(Text(visible(row[place].plain), style=style) for place, style in zip(places, styles, strict=True))
        )
    return drawn
