"""Pictures of label maps, instances, fakes and losses."""

import colorsys
import csv
import math
import textwrap
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from oasis.instances import boundaries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CAPTION = 18  # pixels above each column
_LINE = 14  # pixels of each further line of a caption
_LETTER = 7  # pixels that a letter of a caption takes
_GAP = 4
_COLUMN = 256  # pixels that a column is at least wide, so that small pictures are visible


def colorize(label: Tensor, palette: Sequence[Sequence[int]]) -> Tensor:
    """Class indices as colours.

    Args:
        label: (B, H, W) integer class indices.
        palette: one RGB colour in 0..255 per class.

    Returns:
        (B, 3, H, W) float32 in [-1, 1], like a photo.
    """
    colors = torch.tensor(palette, dtype=torch.float32, device=label.device) / 127.5 - 1.0
    return colors[label].permute(0, 3, 1, 2)


def to_bytes(image: Tensor) -> Tensor:
    """A network's output as bytes.

    Args:
        image: (..., 3, H, W) in [-1, 1].

    Returns:
        (..., 3, H, W) uint8, rounded.
    """
    return ((image.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)


def sample_grid(columns: Mapping[str, Tensor]) -> Image.Image:
    """Pictures in columns with captions, one row per sample.

    Args:
        columns: caption -> (B, 3, H, W) in [-1, 1]; all of one shape.

    Returns:
        An RGB picture of B rows; pictures less than 129 wide are enlarged by an integer factor. Long captions take
        several lines.
    """
    stacked = torch.stack([to_bytes(images).cpu() for images in columns.values()], dim=1)  # B, columns, 3, H, W
    enlarged = max(1, _COLUMN // stacked.shape[-1])
    stacked = stacked.repeat_interleave(enlarged, -1).repeat_interleave(enlarged, -2)
    rows, count, _, height, width = stacked.shape
    captions = [textwrap.wrap(caption, width // _LETTER, break_long_words=False) for caption in columns]
    above = _CAPTION + _LINE * (max(1, *map(len, captions)) - 1)
    grid = Image.new("RGB", (count * (width + _GAP) - _GAP, above + rows * (height + _GAP) - _GAP), "white")
    draw = ImageDraw.Draw(grid)
    for column, lines in enumerate(captions):
        for line, text in enumerate(lines):
            place = (column * (width + _GAP) + 2, 3 + line * _LINE)
            draw.text(place, text, fill="black", font=ImageFont.load_default(12))
        for row in range(rows):
            picture = Image.fromarray(stacked[row, column].permute(1, 2, 0).numpy())
            grid.paste(picture, (column * (width + _GAP), above + row * (height + _GAP)))
    return grid


def plot_losses(table: Path, picture: Path) -> None:
    """Draw the loss terms of a metrics CSV, the generator's above the discriminator's.

    Args:
        table: a CSV with a `step` column and columns such as `generator/adversarial`; empty cells are left out.
        picture: the PNG to write.
    """
    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if value and name.startswith(("generator/", "discriminator/")):
                    curves[name].append((int(float(row["step"])), float(value)))
    from matplotlib.figure import Figure  # loading it takes a moment, which generating need not wait for

    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    for axis, network in zip(axes, ("generator", "discriminator"), strict=True):
        for name in sorted(curves):
            if name.startswith(f"{network}/"):
                _draw_curve(axis, name.removeprefix(f"{network}/"), np.array(curves[name]))
        axis.set_ylabel(f"{network} loss")
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(loc="upper right")
    axes[-1].set_xlabel("batches")
    figure.savefig(picture, dpi=110)


def _draw_curve(axis: "Axes", name: str, points: NDArray[np.float64]) -> None:
    """One term: the values faint, their running mean over a twentieth of the run bold."""
    (line,) = axis.plot(points[:, 0], points[:, 1], alpha=0.3, linewidth=1)
    window = max(1, len(points) // 20)
    smooth = np.convolve(points[:, 1], np.ones(window) / window, mode="valid")
    axis.plot(points[window - 1 :, 0], smooth, color=line.get_color(), label=name)


def instance_color(number: int) -> tuple[int, int, int]:
    """A colour for the instance of this number, far from those of the numbers next to it; RGB in 0..255."""
    hue = number * 0.618034 % 1.0  # the golden ratio spreads consecutive numbers over the circle
    red, green, blue = colorsys.hsv_to_rgb(hue, (0.55, 0.8)[number % 2], (1.0, 0.85)[number // 2 % 2])
    return round(255 * red), round(255 * green), round(255 * blue)


def colorize_instances(instance: Tensor, background: Tensor, opacity: float = 0.75) -> Tensor:
    """Each instance in its own colour, with a white contour.

    Args:
        instance: (H, W) int64, 0 = no instance.
        background: (3, H, W) in [-1, 1], shown in grey.
        opacity: of the colours.

    Returns:
        (3, H, W) float32 in [-1, 1].
    """
    palette = torch.tensor([instance_color(number) for number in range(int(instance.max()) + 1)]) / 127.5 - 1.0
    grey = background.mean(0, keepdim=True).expand(3, -1, -1)
    colored = torch.lerp(grey, palette[instance].permute(2, 0, 1), opacity)
    picture = torch.where(instance > 0, colored, grey)
    contour = (boundaries(torch.zeros_like(instance)[None], instance[None])[0] > 0) & (instance > 0)
    return torch.where(contour, 1.0, picture)


def colorize_values(values: Tensor, low: float, high: float, colormap: str) -> Tensor:
    """Numbers as colours.

    Args:
        values: (H, W).
        low: the value of the first colour; lower ones are clipped.
        high: the value of the last colour; higher ones are clipped.
        colormap: one of matplotlib's names.

    Returns:
        (3, H, W) float32 in [-1, 1].
    """
    shares = (values.float() - low) / max(high - low, 1e-9)
    return _mapped(shares.clamp(0, 1), colormap) * 2.0 - 1.0


def _mapped(shares: Tensor, colormap: str) -> Tensor:
    """(H, W) in [0, 1] to (3, H, W) float32 in [0, 1]."""
    from matplotlib import colormaps

    return torch.from_numpy(colormaps[colormap](shares.numpy())[..., :3]).float().permute(2, 0, 1)


def colorize_directions(offset: Tensor, longest: float) -> Tensor:
    """Vectors as colours: the hue is the direction, white is a vector of length 0; see `direction_wheel`.

    Args:
        offset: (2, H, W), (dy, dx).
        longest: the length that gets the full colour. Colours grow with the root of the length, so that short
            vectors can be told apart too.

    Returns:
        (3, H, W) float32 in [-1, 1].
    """
    dy, dx = offset.float()
    strength = (torch.hypot(dy, dx) / max(longest, 1e-9)).clamp(0, 1).sqrt().unsqueeze(0)
    hue = torch.atan2(dy, dx) / math.tau % 1.0
    colors = _mapped(hue, "hsv")
    return torch.lerp(torch.ones_like(colors), colors, strength) * 2.0 - 1.0


def direction_wheel(size: int) -> Tensor:
    """The legend of `colorize_directions`: a disc in which each point has the colour of its offset from the centre.

    Args:
        size: of the picture's sides in pixels.

    Returns:
        (3, size, size) float32 in [-1, 1], white around the disc.
    """
    axis = (2 * torch.arange(size) - (size - 1)) / (size - 1)  # exactly 0 in the middle, unlike linspace
    vectors = torch.stack(torch.meshgrid(axis, axis, indexing="ij"))
    return torch.where(vectors.norm(dim=0) <= 1, colorize_directions(vectors, 1.0), 1.0)
