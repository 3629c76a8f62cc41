"""A report as Markdown, with its pictures as files beside it."""

import re
from collections.abc import Iterator

from oasis.report.page import Cell, Page, Section, Table

_SPECIAL = re.compile(r"([\\`*_|<>\[\]#])")


def as_markdown(page: Page) -> str:
    """The report as GitHub Markdown, with links to picture files."""
    return "\n".join(_lines(page)).rstrip() + "\n"


def table_as_markdown(table: Table) -> str:
    """One table; the columns after the first are aligned to the right."""
    rules = ("---", *("---:" for _ in table.heads[1:]))
    lines = [map(_cell, table.heads), rules, *(map(_cell, row) for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """Text escaped for Markdown, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _lines(page: Page) -> Iterator[str]:
    yield from (f"# {escaped(page.title)}", "", escaped(page.lead), "")
    if page.warnings:
        yield from ("**Before reading the numbers:**", "", *(f"- {escaped(one)}" for one in page.warnings), "")
    for section in page.sections:
        yield from _section(section)
    if page.command:
        yield from ("## Reproduce", "", "```bash", page.command, "```")


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {escaped(section.title)}", "")
    for text in section.before:
        yield from (escaped(text), "")
    for table in section.tables:
        yield from (table_as_markdown(table), "")
    if section.items:
        yield from (*(f"- {escaped(item)}" for item in section.items), "")
    for text in section.after:
        yield from (escaped(text), "")
    for picture in section.pictures:
        yield from (f"![{escaped(picture.caption)}]({picture.file})", "", f"*{escaped(picture.caption)}*", "")


def _cell(cell: Cell) -> str:
    text = escaped(cell.plain)
    return f"**{text}**" if cell.strong and text else text
