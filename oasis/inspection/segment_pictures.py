"""Segments, cells and neighbours, drawn."""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from oasis.inspection.detail import Detail, at, segments
from oasis.inspection.pictures import enlargement, fitted
from oasis.inspection.samples import LabelledPhoto
from oasis.inspection.sheet import write
from oasis.instances import boundaries
from oasis.models.neighbours import TAPS
from oasis.visualize import colorize, instance_color

_PALE = 0.6
_BETWEEN = 6  # pixels between two halves
INK, _NOT_SEEN = "#101010", "#d81b1b"


def segment_colors(label: Tensor, instance: Tensor, palette: Sequence[Sequence[int]]) -> Tensor:
    """Instances in colours of their own, other pixels in the pale colour of their class.

    Args:
        label: (h, w) int64.
        instance: (h, w) int64.
        palette: of the classes.

    Returns:
        (3, h, w) float32 in [-1, 1].
    """
    pale = torch.lerp(colorize(label[None], palette)[0], torch.tensor(0.75), _PALE)
    numbers = torch.tensor([instance_color(number) for number in range(int(instance.max()) + 1)]) / 127.5 - 1.0
    return torch.where(instance > 0, numbers[instance].permute(2, 0, 1), pale)


def outline(picture: Image.Image, numbers: Tensor, color: str = INK) -> None:
    """Draw lines between segments, numbers (h, w) int64, which are stretched to the picture."""
    rows, columns = picture.height // numbers.shape[0], picture.width // numbers.shape[1]
    large = numbers.repeat_interleave(rows, 0).repeat_interleave(columns, 1)
    lines = boundaries(large[None], torch.zeros_like(large)[None])[0, 0]
    picture.paste(color, (0, 0), Image.fromarray((lines * 255).byte().numpy()))


def grid(picture: Image.Image, rows: int, columns: int, color: str, width: int = 1) -> None:
    """Draw lines between the cells of a grid."""
    draw = ImageDraw.Draw(picture)
    for row in range(1, rows):
        draw.line((0, y := row * picture.height // rows, picture.width, y), color, width)
    for column in range(1, columns):
        draw.line((x := column * picture.width // columns, 0, x, picture.height), color, width)


def mark_neighbours(picture: Image.Image, place: tuple[int, int], seen: Tensor) -> None:
    """Mark a pixel by a square, and its neighbours: a dot if it sees them, a cross if not.

    Args:
        picture: of h x w cells.
        place: row and column of the pixel.
        seen: (9, h, w) bool.
    """
    draw, cell = ImageDraw.Draw(picture), picture.height / seen.shape[1]
    for tap, (down, right) in enumerate(TAPS):
        y, x = (cell * (n + 0.5) for n in (place[0] + down, place[1] + right))
        size = cell / 5
        if not seen[tap, place[0], place[1]]:
            for sign in (-1, 1):
                draw.line((x - size, y - sign * size, x + size, y + sign * size), _NOT_SEEN, max(2, round(cell / 10)))
        elif (down, right) == (0, 0):
            draw.rectangle((x - size, y - size, x + size, y + size), INK, "white", 2)
        else:
            draw.ellipse((x - size, y - size, x + size, y + size), "white", INK, 2)
    y, x = (cell * (n - 1) for n in place)
    draw.rectangle((x, y, x + 3 * cell, y + 3 * cell), None, INK, 3)


def half(width: int, middle: float) -> tuple[int, int]:
    """The columns, first and last + 1, of a half around a middle, as near as the borders allow; see `halves`."""
    size = (width - _BETWEEN) // 2
    start = round(min(max(middle - size / 2, 0), width - size))
    return start, start + size


def halves(left: Image.Image, right: Image.Image, texts: tuple[str, str], middles: tuple[float, float]) -> Image.Image:
    """Half of the width of one picture beside half of another of the same size.

    Args:
        left: RGB.
        right: RGB.
        texts: in their corners.
        middles: the columns of the pictures that are in the middle, as near as their borders allow.
    """
    result = Image.new("RGB", left.size, "white")
    for number, picture in enumerate((left, right)):
        start, end = half(picture.width, middles[number])
        part = picture.crop((start, 0, end, picture.height))
        write(part, (6, 3), texts[number], 18, "la")
        result.paste(part, (number * (part.width + _BETWEEN), 0))
    return result


def draw_map(sample: LabelledPhoto, detail: Detail | None = None, divisor: int = 1) -> Image.Image:
    """The map of a sample, or a part, at 1/divisor of the size, with lines between segments."""
    label, instance, numbers = (at(each, divisor) for each in (sample.label, sample.instance, segments(sample)[0]))
    colors = segment_colors(label, instance, sample.label_space.palette)
    if detail is not None:
        colors, numbers = detail.cut(colors, divisor), detail.cut(numbers, divisor)
    picture = fitted(colors, sample)
    outline(picture, numbers)
    return picture


def over(sample: LabelledPhoto, colors: Tensor, lines: str = INK) -> Image.Image:
    """Colours (3, H, W), clipped to [-1, 1], with lines between segments."""
    picture = fitted(colors.clamp(-1, 1), sample)
    outline(picture, segments(sample)[0], lines)
    return picture


def frame(picture: Image.Image, sample: LabelledPhoto, mask: Tensor) -> None:
    """Draw a box around some pixels."""
    rows, columns = (each * enlargement(sample) for each in mask.nonzero(as_tuple=True))
    box = (int(columns.min()) - 4, int(rows.min()) - 4, int(columns.max()) + 4, int(rows.max()) + 4)
    ImageDraw.Draw(picture).rectangle(box, None, "#14b814", 3)
