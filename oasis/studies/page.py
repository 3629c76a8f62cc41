"""What a report is made of, before it is Markdown or HTML."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """One field of a table.

    Attributes:
        text: what stands in it.
        strong: whether it is set in bold.
    """

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first column is a heading.

    Attributes:
        heads: of the columns.
        rows: as many cells each.
        apart: how many rows at the end are there to compare with.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    apart: int = 0


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        caption: what is to be seen.
        file: name of the PNG beside the Markdown.
        light: the PNG.
        dark: the same for a dark page; empty where there is no other.
    """

    caption: str
    file: str
    light: bytes
    dark: bytes = b""


@dataclass(frozen=True)
class Section:
    """A part of the report with a title; what is empty is left out.

    Attributes:
        title: of it.
        before: paragraphs before the tables.
        tables: in order.
        items: a list after the tables.
        after: paragraphs after the list.
        pictures: at the end.
    """

    title: str
    before: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Page:
    """The whole report.

    Attributes:
        title: of it.
        lead: the first paragraph.
        warnings: what has to be known before any number is read.
        sections: in order.
        command: that made it; empty if unknown.
    """

    title: str
    lead: str
    warnings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default_factory=tuple)
    command: str = ""
