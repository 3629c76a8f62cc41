"""Pictures as HTML with the PNG inside: nothing is written to disk."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from io import BytesIO

from PIL import Image


@dataclass(frozen=True)
class Figure:
    """A picture with a caption.

    Attributes:
        image: RGB.
        caption: below it; empty = none.
        is_map: a label map, not a photo.
        file_name: of a download; empty = no download link.
    """

    image: Image.Image
    caption: str = ""
    is_map: bool = False
    file_name: str = ""

    def html(self) -> str:
        """The figure, as wide as its container."""
        kind = "map" if self.is_map else "photo"
        url = data_url(self.image)
        size = f'width="{self.image.width}" height="{self.image.height}"'
        picture = f'<img class="{kind}" src="{url}" {size} alt="{escape(self.caption or kind)}" draggable="false">'
        link = f'<a class="download" download="{escape(self.file_name)}" href="{url}">Download PNG</a>'
        below = f"<span>{escape(self.caption)}</span>{link if self.file_name else ''}"
        caption = f"<figcaption>{below}</figcaption>" if self.caption or self.file_name else ""
        return f"<figure>{picture}{caption}</figure>"


def grid(figures: Iterable[Figure], columns: int) -> str:
    """Figures side by side, up to `columns` per row."""
    return f'<div class="grid" style="--columns:{columns}">{"".join(figure.html() for figure in figures)}</div>'


def placeholder(text: str) -> str:
    """A placeholder for a picture, of the same size."""
    return f'<figure><div class="placeholder">{escape(text)}</div></figure>'


def data_url(picture: Image.Image) -> str:
    """A picture as a PNG within a URL."""
    file = BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
