"""Cards of captioned pictures, laid out on one sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

COLUMNS = 3  # panels beside each other
_GAP = 12  # between cards, and between a card's border and its content
_TITLE, _NOTE, _SMALL = 28, 21, 18  # text sizes
_HEAD, _LINE = 44, 27  # heights of a title and of a line of a note
_NOTE_LINES = 2  # unless a sheet has more
_LEGEND = 26  # height of a legend
_PAPER, _CARD, _INK, _FAINT = "#ffffff", "#eef0f4", "#15181e", "#545b68"


@dataclass(frozen=True)
class Panel:
    """A picture and its explanation.

    Attributes:
        picture: RGB; of the same size for all panels of a sheet.
        note: the text below it, cut after the lines of its sheet.
        legend: a small picture below the note that explains the colours, see `legend`.
    """

    picture: Image.Image
    note: str
    legend: Image.Image | None = None


@dataclass(frozen=True)
class Card:
    """Panels that belong together, under one title.

    Attributes:
        title: of the card.
        subtitle: faint, at the right of the title.
        panels: one to `COLUMNS`.
    """

    title: str
    subtitle: str
    panels: Sequence[Panel]


def text_font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font of all texts in pictures."""
    return ImageFont.load_default(size)


def draw_sheet(cards: Sequence[Card], note_lines: int = _NOTE_LINES) -> Image.Image:
    """Lay cards out in rows of `COLUMNS` panels, each card in the first row with room for it.

    Args:
        cards: at least one, with panels of one size.
        note_lines: how many lines the notes may have.

    Returns:
        An RGB picture.
    """
    rows: list[list[Card]] = []
    for card in cards:
        row = next((row for row in rows if _panels([*row, card]) <= COLUMNS), None)
        if row is None:
            rows.append(row := [])
        row.append(card)
    panel = cards[0].panels[0].picture
    step = panel.width + 3 * _GAP
    height = _HEAD + panel.height + note_lines * _LINE + _LEGEND + 2 * _GAP
    columns = max(_panels(row) for row in rows)
    sheet = Image.new("RGB", (_GAP + columns * step, _GAP + len(rows) * (height + _GAP)), _PAPER)
    for number, row in enumerate(rows):
        for position, card in enumerate(row):
            place = (_GAP + _panels(row[:position]) * step, _GAP + number * (height + _GAP))
            sheet.paste(_draw_card(card, step, height, note_lines), place)
    return sheet


def legend(before: str, picture: Image.Image, after: str = "") -> Image.Image:
    """A small picture between two texts, as a panel's legend.

    Args:
        before: text at its left.
        picture: RGB, at most 26 high.
        after: text at its right.
    """
    font = text_font(_SMALL)
    left = round(font.getlength(before)) + 8
    strip = Image.new("RGB", (left + picture.width + 8 + round(font.getlength(after)), _LEGEND), _CARD)
    draw = ImageDraw.Draw(strip)
    draw.text((0, _LEGEND / 2), before, _FAINT, font, anchor="lm")
    strip.paste(picture, (left, (_LEGEND - picture.height) // 2))
    draw.text((strip.width, _LEGEND / 2), after, _FAINT, font, anchor="rm")
    return strip


def keys(colors: Mapping[str, str]) -> Image.Image:
    """Squares of colours, each with its meaning behind it, as a panel's legend.

    Args:
        colors: text -> colour, as PIL names it.
    """
    parts = [legend("", Image.new("RGB", (18, 18), color), text) for text, color in colors.items()]
    strip = Image.new("RGB", (sum(part.width + _GAP for part in parts), _LEGEND), _CARD)
    x = 0
    for part in parts:
        strip.paste(part, (x, 0))
        x += part.width + _GAP
    return strip


def tile(pictures: Sequence[tuple[str, Image.Image]], size: tuple[int, int]) -> Image.Image:
    """Several pictures tiled into one, each with a short text in its corner.

    Args:
        pictures: text and RGB picture; they are shrunk to fit.
        size: (width, height) of the result.
    """
    columns = 1
    while columns**2 < len(pictures):
        columns += 1
    rows = -(-len(pictures) // columns)
    result = Image.new("RGB", size, _CARD)
    width, height = (size[0] + 4) // columns - 4, (size[1] + 4) // rows - 4
    for number, (text, picture) in enumerate(pictures):
        small = picture.resize((width, height), Image.Resampling.BOX)
        write(small, (4, 2), text, min(_SMALL, height / 4), "la")
        result.paste(small, (number % columns * (width + 4), number // columns * (height + 4)))
    return result


def write(picture: Image.Image, place: tuple[float, float], text: str, size: float, anchor: str = "mm") -> None:
    """Write white text with a dark rim, readable on any colour."""
    draw = ImageDraw.Draw(picture)
    draw.text(place, text, "white", text_font(size), anchor=anchor, stroke_width=2, stroke_fill="#101010")


def _panels(cards: Sequence[Card]) -> int:
    return sum(len(card.panels) for card in cards)


def _draw_card(card: Card, step: int, height: int, note_lines: int) -> Image.Image:
    picture = Image.new("RGB", (len(card.panels) * step - _GAP, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, picture.width - 1, height - 1), 10, _CARD)
    draw.text((_GAP, _HEAD / 2 + 3), card.title, _INK, text_font(_TITLE), anchor="lm")
    draw.text((picture.width - _GAP, _HEAD / 2 + 5), card.subtitle, _FAINT, text_font(_NOTE), anchor="rm")
    for number, panel in enumerate(card.panels):
        x, below = number * step + _GAP, _HEAD + panel.picture.height + 6
        picture.paste(panel.picture, (x, _HEAD))
        for line, text in enumerate(wrapped(panel.note, panel.picture.width)[:note_lines]):
            draw.text((x, below + line * _LINE), text, _INK, text_font(_NOTE))
        if panel.legend is not None:
            picture.paste(panel.legend, (x, below + note_lines * _LINE))
    return picture


def wrapped(text: str, width: int) -> list[str]:
    """A note's lines: the text wrapped to lines of at most `width` pixels; longer words are not broken."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_font(_NOTE).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
