"""The contents of a report, independent of its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: its content.
        spread: standard deviation, shown after a ±; empty if there is none.
        strong: whether it is highlighted.
        note: tooltip.
        badge: letter before the text.
        color: of the badge.
    """

    text: str
    spread: str = ""
    strong: bool = False
    note: str = ""
    badge: str = ""
    color: str = ""

    @property
    def plain(self) -> str:
        """Text and spread in one line."""
        return f"{self.text} ± {self.spread}" if self.spread else self.text


@dataclass(frozen=True)
class Table:
    """A table whose first column is a heading.

    Attributes:
        heads: column headings.
        rows: the cells of each row.
        reference_rows: number of reference rows at the end.
        reference_columns: number of reference columns at the right.
        groups: position of a row -> heading above it.
        prose: whether the cells are text, not numbers.
        folded: summary of a collapsed table; empty for a table that is always open.
        note: paragraph inside a folded table.
    """

    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    reference_rows: int = 0
    reference_columns: int = 0
    groups: Mapping[int, str] = field(default_factory=dict)
    prose: bool = False
    folded: str = ""
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        caption: describes it; also its summary if it is folded.
        light: PNG or JPEG.
        dark: the same for a dark page; empty = the same picture.
        file: file name beside the Markdown.
        wide: whether it is shown at least 56 rem wide.
        folded: whether it is collapsed.
    """

    caption: str
    light: bytes
    dark: bytes = b""
    file: str = ""
    wide: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the report; empty parts of it are left out.

    Attributes:
        title: heading.
        before: paragraphs before the tables.
        tables: in order.
        items: list after the tables.
        after: paragraphs after the list.
        pictures: at the end.
        grid: width in rem of each column of pictures; 0 = one below the other.
        anchor: HTML id; unique on the page.
    """

    title: str
    before: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    grid: float = 0.0
    anchor: str = ""


@dataclass(frozen=True)
class Page:
    """A complete report.

    Attributes:
        title: heading.
        lead: first paragraph.
        warnings: caveats, shown first.
        sections: in order.
        command: that made it; empty if unknown.
    """

    title: str
    lead: str
    warnings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    command: str = ""


def cells(*texts: object) -> tuple[Cell, ...]:
    """Plain cells, such as the headings of a table."""
    return tuple(Cell(str(text)) for text in texts)
