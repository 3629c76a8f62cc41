"""Light and dark themes of plots."""

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

# Of checkpoints or encodings, in their order; distinguishable with red-green blindness, on white and on black.
COLORS = ("#3b82c4", "#e08a2e", "#2a9d74", "#b5539c", "#b89b1e", "#7a70d6", "#cc5a4a", "#6b8b99")
_PALETTE = 128  # colours of a plot


@dataclass(frozen=True)
class Theme:
    """Colours of a page.

    Attributes:
        paper: background.
        ink: text.
        faint: axes and grid lines.
    """

    paper: str
    ink: str
    faint: str


LIGHT = Theme("#ffffff", "#1c2127", "#8a939e")
DARK = Theme("#1d2229", "#e3e7ec", "#8a939e")


def color_of(place: int) -> str:
    """The colour of a checkpoint, by its position."""
    return COLORS[place % len(COLORS)]


def themed(theme: Theme, **settings: Any) -> AbstractContextManager[None]:
    """Matplotlib in the colours of a page.

    Args:
        theme: the colours.
        settings: further ones of Matplotlib, by their names.
    """
    look: dict[Any, Any] = {"axes.edgecolor": theme.faint, "grid.color": theme.faint}
    look |= {"text.parse_math": False}  # a name with a $ is not a formula
    look |= dict.fromkeys(("axes.spines.top", "axes.spines.right"), False)
    look |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), theme.ink)
    look |= dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), theme.paper)
    return matplotlib.rc_context(look | settings)


def figure_png(figure: Figure, dpi: int) -> bytes:
    """A figure as the bytes of a PNG; a palette reduces it to a third of the size."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, dpi=dpi, format="png")
    Image.open(drawn).convert("RGB").quantize(_PALETTE, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()
