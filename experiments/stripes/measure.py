"""How striped are generated pictures? Two numbers, beside those of photos.

    python -m experiments.stripes.measure runs/stripes/* [--pictures 40] [--output FILE] [--grid FILE.png]

`grid`: the highest peak of power at the frequencies of the upsampling grid, relative to those around it; 1 = no
peak. `fixed`: share of the fine detail that is at the same place in all pictures; stripes that
follow from the distance to the border or from the grid are, what follows from the label map is not.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.data import default_collate

from oasis.checkpoint.own_data import own_data
from oasis.evaluation.evaluated_models import EvaluatedModel, open_models
from oasis.visualize import sample_grid

_GRAY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
_PERIOD = 16
_SHOWN = 4


def grid_power(pictures: Tensor) -> float:
    """The highest peak at a frequency of the grid, relative to the power around it: of (B, H, W) float, at least 64x64.

    The frequencies are multiples of 1/16 of a pixel's, in both directions.
    """
    return max(_along_rows(pictures), _along_rows(pictures.transpose(1, 2)))


def fixed_share(pictures: Tensor) -> float:
    """Share of the fine detail of (B, H, W) float that all pictures have at the same place; 0 for independent ones.

    Fine is what differs from the mean of 7x7 pixels. The mean over pictures of independent detail has 1 / B of its
    power, which is subtracted.
    """
    count = len(pictures)
    padded = F.pad(pictures[:, None], (3, 3, 3, 3), mode="reflect")
    fine = pictures - F.avg_pool2d(padded, 7, stride=1)[:, 0]
    power = fine.square().mean()
    common = fine.mean(dim=0).square().mean()
    return float((common - power / count) / (1 - 1 / count) / power)


def _along_rows(pictures: Tensor) -> float:
    length = pictures.shape[-1]
    centred = (pictures - pictures.mean(dim=-1, keepdim=True)) * torch.hann_window(length)
    power = torch.fft.rfft(centred).abs().square().mean(dim=(0, 1))
    peaks = []
    for place in range(length // _PERIOD, length // 2, length // _PERIOD):
        around = [place + step for step in (-2, 2)]  # the window spreads a peak over one to each side
        peaks.append(float(power[place] / power[around].mean()))
    return max(peaks)


def pictures_of(model: EvaluatedModel, count: int) -> tuple[Tensor, Tensor]:
    """Photos of the validation split and what the model generates from their maps, (count, 3, H, W) in [-1, 1]."""
    dataset = model.data.dataset("val")
    photos, fakes = [], []
    for index in range(min(count, len(dataset))):
        batch, fake = model.generate(default_collate([dataset[index]]), seed=0)
        photos.append(batch.image[0])
        fakes.append(fake[0])
    return torch.stack(photos), torch.stack(fakes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the runs and print a table, photos first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="runs of one dataset")
    parser.add_argument("--pictures", type=int, default=40, help="of the validation split (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="also write the table there, as CSV")
    parser.add_argument("--grid", type=Path, help="also write pictures of the same maps there")
    options = parser.parse_args(arguments)
    models = open_models(options.runs, own_data)
    made = {path.name: pictures_of(model, options.pictures) for path, model in zip(options.runs, models, strict=True)}
    shown = {"photos": next(iter(made.values()))[0], **{name: fakes for name, (_, fakes) in made.items()}}
    gray = {name: ((pictures + 1) / 2 * _GRAY).sum(dim=1) for name, pictures in shown.items()}
    rows = [(name, grid_power(each), fixed_share(each)) for name, each in gray.items()]
    table = Table("", "grid", "fixed, %")
    for name, grid, fixed in rows:
        table.add_row(name, f"{grid:.2f}", f"{100 * fixed:.1f}")
    Console().print(table)
    if options.output:
        lines = ["run,grid,fixed", *(f"{name},{grid:.4f},{fixed:.5f}" for name, grid, fixed in rows)]
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if options.grid:
        sample_grid({name: each[:_SHOWN] for name, each in shown.items()}).save(options.grid)


if __name__ == "__main__":
    main()
