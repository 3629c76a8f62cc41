"""A sheet of label maps beside the pictures generated from them."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

_MARGIN, _GAP = 20, 8  # around the sheet, between pictures
_TITLE, _TEXT = 20, 15  # text sizes
_HEAD, _LINE = 40, 26  # heights of the title, and of a line of text
_NARROWEST, _WIDEST = 240, 384  # pictures are resized to this range
_PAPER, _INK, _FAINT = "#ffffff", "#15181e", "#545b68"


class ContactSheet:
    """One row per label map: the map in colours, then its samples, each with its caption.

    Only thumbnails of the shown rows and columns are kept, so that a sheet of an entire dataset needs no more memory
    than one of a few maps.

    Args:
        title: at the top, such as the checkpoint's name.
        most_rows: shown rows; further ones are counted.
        most_samples: shown samples of each map.
    """

    def __init__(self, title: str, most_rows: int = 16, most_samples: int = 6) -> None:
        self.title = title
        self.most_rows = most_rows
        self.most_samples = most_samples
        self._rows: list[tuple[str, list[tuple[str, Image.Image]]]] = []
        self._count = 0

    def __len__(self) -> int:
        """Number of added rows."""
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether further rows are only counted."""
        return len(self._rows) >= self.most_rows

    def count(self) -> None:
        """Count a label map that is not shown."""
        self._count += 1

    def add(
        self,
        name: str,
        colors: Image.Image,
        samples: Sequence[tuple[str, Image.Image]],
        photo: Image.Image | None = None,
    ) -> None:
        """Add a label map.

        Args:
            name: above the row.
            colors: the map in colours, RGB; all pictures of the row get its aspect ratio.
            samples: captions, and RGB pictures.
            photo: the source of the map, RGB; shown before it.
        """
        self.count()
        if self.is_full:
            return
        first = _thumbnail(colors)
        others = [*([("photo", photo)] if photo is not None else []), *samples[: self.most_samples]]
        shown = [(caption, picture.resize(first.size, _filter(picture, first.size))) for caption, picture in others]
        shown.insert(0 if photo is None else 1, ("label map", first))
        if len(samples) > self.most_samples:
            name = f"{name}   ({self.most_samples} of {len(samples)} samples)"
        self._rows.append((name, shown))

    def draw(self) -> Image.Image:
        """Lay all rows out: an RGB picture."""
        widths = [sum(p.width + _GAP for _, p in row) - _GAP for _, row in self._rows]
        heights = [2 * _LINE + max(p.height for _, p in row) + _MARGIN for _, row in self._rows]
        width = max([*widths, round(_font(_TITLE).getlength(self._heading()))]) + 2 * _MARGIN
        sheet = Image.new("RGB", (width, _MARGIN + _HEAD + sum(heights)), _PAPER)
        ImageDraw.Draw(sheet).text((_MARGIN, _MARGIN), self._heading(), _INK, _font(_TITLE))
        top = _MARGIN + _HEAD
        for (name, row), height in zip(self._rows, heights, strict=True):
            _draw_row(sheet, top, name, row)
            top += height
        return sheet

    def _heading(self) -> str:
        more = f"   (the first {len(self._rows)} of {self._count} label maps)" if self._count > len(self._rows) else ""
        return self.title + more


def _draw_row(sheet: Image.Image, top: int, name: str, row: Sequence[tuple[str, Image.Image]]) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, top + 2), name, _INK, _font(_TEXT))
    left = _MARGIN
    for caption, picture in row:
        draw.text((left, top + _LINE), _fitting(caption, picture.width), _FAINT, _font(_TEXT))
        sheet.paste(picture, (left, top + 2 * _LINE))
        left += picture.width + _GAP


def _thumbnail(picture: Image.Image) -> Image.Image:
    """Shrunk to fit, or enlarged by an integer factor, so that pixels stay square."""
    if picture.width > _WIDEST:
        height = max(1, round(picture.height * _WIDEST / picture.width))
        return picture.resize((_WIDEST, height), Image.Resampling.BOX)
    factor = max(1, -(-_NARROWEST // picture.width))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _filter(picture: Image.Image, size: tuple[int, int]) -> Image.Resampling:
    return Image.Resampling.BOX if picture.width > size[0] else Image.Resampling.NEAREST


def _fitting(text: str, width: int) -> str:
    """The text, truncated with dots if it is wider than its picture."""
    font = _font(_TEXT)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
