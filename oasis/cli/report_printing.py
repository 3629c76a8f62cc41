"""What `oasis report` prints."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oasis.comparison.table import visible
from oasis.reporting.page import Table as PageTable
from oasis.reporting.report import baseline_pairs
from oasis.reporting.study import Study
from oasis.reporting.tables import score_table
from oasis.reporting.words import verdicts


def print_study(study: Study, console: Console) -> None:
    """Scores and verdicts of each setting, then what was left out and what to know."""
    for number, setting in enumerate(study.settings, 1):
        if len(study.settings) > 1:
            console.print(Text(f"\nSetting {number}", style="bold"))
        console.print(_table(score_table(setting)))
        for sentence in verdicts(setting, baseline_pairs(setting)):
            console.print(Text(visible(sentence)), soft_wrap=True)
    for one in study.left_out:
        console.print(Text.assemble(("Left out: ", "yellow"), visible(f"{one.origin}: {one.reason}")), soft_wrap=True)
    for warning in study.warnings:
        console.print(Text.assemble(("Warning: ", "yellow"), visible(warning)), soft_wrap=True)


def _table(table: PageTable) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(table.heads):
        drawn.add_column(Text(visible(head)), justify="right" if place > 1 else "left")
    for place, row in enumerate(table.rows):
        apart = place >= len(table.rows) - table.apart
        cells = [Text(visible(cell.text), style="dim" if apart else "bold" if cell.strong else "") for cell in row]
        drawn.add_row(*cells)
    return drawn
