"""Puts runs side by side: `python experiments/first_look/compare.py RUN... --output DIR`.

Writes `losses.png` (the curves of all runs in one plot), `samples.png` (the same label maps with the same noise, one
column per run) and `summary.csv` (losses averaged over the last quarter of each run).
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oasis.checkpoint import restore
from oasis.training import fixed_noise
from oasis.visualize import colorize, sample_grid

TERMS = ("generator/adversarial", "discriminator/real", "discriminator/fake")
SAMPLES = 6


def read_curves(run: Path) -> dict[str, NDArray[np.float64]]:
    """(steps, 2) arrays of batch and value for each loss term."""
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {term: np.array([(float(row["step"]), float(row[term])) for row in rows if row.get(term)]) for term in TERMS}


def plot(curves: dict[str, dict[str, NDArray[np.float64]]], path: Path) -> None:
    """One panel a loss term, one line a run, smoothed over a tenth of the run."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axis, term in zip(figure.subplots(1, len(TERMS)), TERMS, strict=True):
        for name, terms in curves.items():
            points = terms[term]
            window = max(1, len(points) // 10)
            smooth = np.convolve(points[:, 1], np.ones(window) / window, mode="valid")
            axis.plot(points[window - 1 :, 0], smooth, label=name)
        axis.set_title(term)
        axis.set_xlabel("batches")
        axis.grid(alpha=0.3)
    figure.axes[0].legend()
    figure.savefig(path, dpi=110)


@torch.no_grad()
def draw_samples(runs: dict[str, Path], path: Path) -> None:
    """The first validation samples: photo, label map, and what each run's generator makes of it."""
    columns: dict[str, torch.Tensor] = {}
    for name, run in runs.items():
        restored = restore(run / "checkpoints" / "last.ckpt")
        data = instantiate(restored.config["data"], encoding=restored.encoding)
        data.prepare_data()
        batch = data.first_samples("val", SAMPLES, torch.device("cpu"))
        columns.setdefault("photo", batch.image)
        columns.setdefault("label map", colorize(batch.label, restored.label_space.palette))
        columns[name] = restored.generator(batch.condition, fixed_noise(restored.generator, batch, seed=0))
    sample_grid(columns).save(path)


def summarize(curves: dict[str, dict[str, NDArray[np.float64]]], path: Path) -> None:
    """Each term's mean over the last quarter of the run."""
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["run", *TERMS])
        for name, terms in curves.items():
            last = [terms[term][-max(1, len(terms[term]) // 4) :, 1].mean() for term in TERMS]
            table.writerow([name, *(f"{value:.3f}" for value in last)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders; each is called by its folder's name")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    runs = {run.name: run for run in options.runs}
    options.output.mkdir(parents=True, exist_ok=True)
    curves = {name: read_curves(run) for name, run in runs.items()}
    plot(curves, options.output / "losses.png")
    summarize(curves, options.output / "summary.csv")
    draw_samples(runs, options.output / "samples.png")


if __name__ == "__main__":
    main()
