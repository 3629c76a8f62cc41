"""What a segmenter's scores mean: real photos it never saw, pure noise, and photos under the wrong label maps.

    python -m experiments.benchmarks.segmenter data.height=128 data.width=256 [segmenter.weights=FILE] [--json FILE]

Takes the settings that `oasis train-segmenter` was given, and finds the segmenter that it wrote.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from hydra.utils import instantiate
from rich.console import Console
from rich.table import Table
from torch import Tensor

from oasis.batch import Batch
from oasis.cli.conf import load_config
from oasis.cli.datasets import load_data
from oasis.data import LabelMapDataModule
from oasis.metrics import describe
from oasis.randomness import Stream, sample_generator
from oasis.scoring import SEGMENTER_PREFIX, RealPhotos, Scorer, load_metric_networks
from oasis.segmenters import Segmenter
from oasis.training.segmenter_fit import NoCondition

GOALS = {"segmenter/miou": 0.70, "segmenter/pq_things": 0.35}
SHOWN = ("segmenter/miou", "segmenter/pq", "segmenter/pq_things", "segmenter/pq_stuff", "segmenter/touching_recall")


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the three and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", help="of the data, as `oasis train-segmenter` takes them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores there")
    options = parser.parse_args(arguments)

    data = load_data(["segmenter=unet", *options.settings, "data.batch_size=8"], NoCondition)
    segmenter = load_metric_networks(
        data, [], instantiate(load_config(["segmenter=unet", *options.settings]).segmenter)
    ).segmenter
    if segmenter is None:
        raise SystemExit(1)  # the warning has said where one comes from
    other = torch.randperm(len(data.dataset("val")), generator=torch.Generator().manual_seed(0))
    columns = {
        "real photos": scores(data, segmenter, lambda batch: batch),
        "noise": scores(data, segmenter, noise),
        "real photos, shuffled label maps": scores(data, segmenter, lambda batch: under_other_maps(batch, data, other)),
    }
    if options.json is not None:
        options.json.write_text(json.dumps(columns, indent=2) + "\n", encoding="utf-8")
    Console().print(_table(columns))
    for name, goal in GOALS.items():
        found = columns["real photos"][name]
        print(f"goal: {name} at least {goal:.2f}; {found:.4f}, {'met' if found >= goal else 'missed'}")


def scores(data: LabelMapDataModule, segmenter: Segmenter, change: Callable[[Batch], Batch]) -> dict[str, float]:
    """The segmenter's scores on the validation split, with `change` applied to each batch."""
    cpu = torch.device("cpu")
    scorer = Scorer(data.label_space, cpu, {}, segmenter)
    for batch in RealPhotos(data, cpu).batches("val", range(len(data.dataset("val"))), "judging"):
        changed = change(batch)
        scorer.update(changed, changed.image)
    return {name: value for name, value in scorer.compute().items() if name.startswith(SEGMENTER_PREFIX)}


def noise(batch: Batch) -> Batch:
    """White noise in place of the photos."""
    pictures = [
        torch.rand(image.shape, generator=sample_generator(0, index, Stream.NOISE))
        for image, index in zip(batch.image, batch.index.tolist(), strict=True)
    ]
    return replace(batch, image=torch.stack(pictures) * 2 - 1)


def under_other_maps(batch: Batch, data: LabelMapDataModule, other: Tensor) -> Batch:
    """Each photo with the label map of another one: a baseline of what streets have in common."""
    (strangers,) = data.loader_of("val", other[batch.index].tolist())
    wrong = data.encode(strangers)
    return replace(batch, label=wrong.label, instance=wrong.instance)


def _table(columns: dict[str, dict[str, float]]) -> Table:
    table = Table(title="What the segmenter sees in pictures that it was not trained on")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    for metric in SHOWN:
        known = describe(metric)
        table.add_row(known.heading, *(known.show(scores[metric]) for scores in columns.values()))
    return table


if __name__ == "__main__":
    main()
