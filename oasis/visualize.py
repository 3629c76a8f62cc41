"""Pictures of label maps, fakes and losses."""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_CAPTION = 18  # pixels above each column
_GAP = 4
_COLUMN = 256  # pixels that a column is at least wide, so that small pictures can be looked at


def colorize(label: Tensor, palette: Sequence[Sequence[int]]) -> Tensor:
    """Class indices as colours.

    Args:
        label: (B, H, W) integer class indices.
        palette: one RGB colour in 0..255 a class.

    Returns:
        (B, 3, H, W) float32 in [-1, 1], like a photo.
    """
    colors = torch.tensor(palette, dtype=torch.float32, device=label.device) / 127.5 - 1.0
    return colors[label].permute(0, 3, 1, 2)


def to_bytes(image: Tensor) -> Tensor:
    """What a network paints as bytes.

    Args:
        image: (..., 3, H, W) in [-1, 1].

    Returns:
        (..., 3, H, W) uint8, rounded.
    """
    return ((image.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)


def sample_grid(columns: Mapping[str, Tensor]) -> Image.Image:
    """Pictures in columns with captions, a row a sample.

    Args:
        columns: caption -> (B, 3, H, W) in [-1, 1]; all of one shape.

    Returns:
        An RGB picture of B rows; pictures less than 129 wide are enlarged by a whole factor.
    """
    stacked = torch.stack([to_bytes(images).cpu() for images in columns.values()], dim=1)  # B, columns, 3, H, W
    enlarged = max(1, _COLUMN // stacked.shape[-1])
    stacked = stacked.repeat_interleave(enlarged, -1).repeat_interleave(enlarged, -2)
    rows, count, _, height, width = stacked.shape
    grid = Image.new("RGB", (count * (width + _GAP) - _GAP, _CAPTION + rows * (height + _GAP) - _GAP), "white")
    draw = ImageDraw.Draw(grid)
    for column, caption in enumerate(columns):
        draw.text((column * (width + _GAP) + 2, 3), caption, fill="black", font=ImageFont.load_default(12))
        for row in range(rows):
            picture = Image.fromarray(stacked[row, column].permute(1, 2, 0).numpy())
            grid.paste(picture, (column * (width + _GAP), _CAPTION + row * (height + _GAP)))
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


def _draw_curve(axis: Axes, name: str, points: NDArray[np.float64]) -> None:
    """One term: the values faint, their running mean over a twentieth of the run bold."""
    (line,) = axis.plot(points[:, 0], points[:, 1], alpha=0.3, linewidth=1)
    window = max(1, len(points) // 20)
    smooth = np.convolve(points[:, 1], np.ones(window) / window, mode="valid")
    axis.plot(points[window - 1 :, 0], smooth, color=line.get_color(), label=name)
