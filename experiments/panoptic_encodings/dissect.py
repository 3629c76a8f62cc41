"""Why does it hurt to write instance numbers into the class mask?

    python -m experiments.panoptic_encodings.dissect [--steps 20] [--output DIR]

Looks at the first layers of an untrained generator on streets with many instances: how large each group of input
channels is, how much of the first convolutions' output it accounts for, and what gradients come back in the first
steps. Writes `dissection.csv` and `dissection.png`, and prints the tables; a minute or two on two CPU cores.
"""

import argparse
import csv
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch.utils.data import default_collate

from experiments.panoptic_encodings.dissection import (
    GROUPS,
    FirstSteps,
    Variant,
    first_steps,
    input_groups,
    magnitudes,
    variance_shares,
)
from oasis.batch import Batch
from oasis.data import LabelMapDataModule, Streets
from oasis.encodings import InstanceIds, Semantic
from oasis.labels import LabelSpace
from oasis.models import OASISDiscriminator, OASISGenerator
from oasis.report import Table, cells
from oasis.report.markdown import table_as_markdown
from oasis.streets import SyntheticStreets

HEIGHT, WIDTH = 64, 128
# Those of experiment=study.
SETTINGS = {"num_blocks": 5, "init_gain": 1.0}
GENERATOR = {"channels": 8, "spade_channels": 16, "noise_dim": 8, "norm": "batch"}
DISCRIMINATOR = {"channels": 32}
Shares = dict[str, dict[str, float]]
Sizes = dict[str, tuple[float, float]]


def variants(space: LabelSpace) -> list[Variant]:
    """What is compared."""
    raw, normalized = InstanceIds(space), InstanceIds(space, normalized=True)
    return [
        Variant("semantic", Semantic(space)),
        Variant("instance_ids", raw),
        Variant("instance_ids, shuffled", raw, shuffled=True),
        Variant("instance_ids, warm-up", raw, warm_up=True),
        Variant("instance_ids_normalized", normalized),
        Variant("instance_ids_normalized, shuffled", normalized, shuffled=True),
    ]


def networks(channels: int, classes: int, seed: int) -> tuple[OASISGenerator, OASISDiscriminator]:
    """The same weights at every call with the same numbers of channels and seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = OASISGenerator(channels, **GENERATOR, **SETTINGS)
        return generator, OASISDiscriminator(classes, **DISCRIMINATOR, **SETTINGS)


def crowded_batches(data: LabelMapDataModule, steps: int, size: int) -> list[Batch]:
    """Batches of the training streets with the most instances, the most crowded first."""
    dataset = data.dataset("train")
    samples = [dataset[place] for place in range(len(dataset))]
    samples.sort(key=lambda sample: -len(sample["instance"].unique()))
    groups = [samples[step * size : (step + 1) * size] for step in range(steps)]
    return [data.encode(default_collate(group)) for group in groups]


def describe_inputs(
    variant: Variant, batch: Batch, generator: OASISGenerator
) -> tuple[Mapping[str, tuple[float, float]], Shares]:
    """Magnitudes of the groups of input channels; their shares in the coarsest and the finest first convolution."""
    noise = torch.randn(len(batch), generator.noise_dim, generator=torch.Generator().manual_seed(0))
    groups = input_groups(variant, batch, noise)
    coarse = (HEIGHT // generator.size_divisor, WIDTH // generator.size_divisor)
    finest = generator.blocks[-1].spade_0.shared
    shares = {
        f"stem, {coarse[0]}x{coarse[1]}": variance_shares(generator.stem, groups, coarse),
        f"last SPADE, {HEIGHT}x{WIDTH}": variance_shares(finest, groups, (HEIGHT, WIDTH)),
    }
    return magnitudes(groups), shares


def rows_of(name: str, sizes: Sizes, shares: Shares, steps: FirstSteps) -> list[list[str]]:
    """Variant, what, where, value: all that was measured of a variant."""
    rows = [[name, "length of a pixel's channels", group, f"{sizes[group][0]:.4g}"] for group in GROUPS]
    rows += [[name, "largest entry", group, f"{sizes[group][1]:.4g}"] for group in GROUPS]
    for place, parts in shares.items():
        rows += [[name, f"share of variance in {place}", group, f"{parts[group]:.4f}"] for group in GROUPS]
    half = len(next(iter(steps.losses.values()))) // 2
    for layer, norms in steps.norms.items():
        rows += [[name, "gradient norm, first step", layer, f"{norms[0]:.4g}"]]
        rows += [[name, "gradient norm, median of the steps", layer, f"{statistics.median(norms):.4g}"]]
    return rows + [
        [name, "loss, median of the later half", term, f"{statistics.median(values[half:]):.4f}"]
        for term, values in steps.losses.items()
    ]


def as_table(rows: Sequence[Sequence[str]], what: str) -> Table:
    """One kind of measurement: one row per variant, one column per group, layer or term."""
    chosen = {(row[0], row[2]): row[3] for row in rows if row[1] == what}
    heads = list(dict.fromkeys(where for _, where in chosen))
    names = list(dict.fromkeys(name for name, _ in chosen))
    return Table(cells(what, *heads), tuple(cells(name, *(chosen[name, head] for head in heads)) for name in names))


def draw(shares: Mapping[str, Shares], steps: Mapping[str, FirstSteps], path: Path) -> None:
    """Shares of variance as stacked bars; gradients of the stem and the generator's loss over the steps."""
    figure = Figure(figsize=(13, 7), layout="constrained")
    panels = figure.subplots(2, 2)
    for axes, place in zip(panels[0], next(iter(shares.values())), strict=True):
        left = [0.0] * len(shares)
        for group in GROUPS:
            widths = [parts[place][group] for parts in shares.values()]
            axes.barh(list(shares), widths, left=left, label=group)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        axes.invert_yaxis()
        axes.set_title(f"Share of the output's variance: {place}")
    panels[0][1].set_yticklabels([])
    panels[0][1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    for name, one in steps.items():
        panels[1][0].plot(one.norms["stem"], label=name)
        panels[1][1].plot(one.losses["generator"], label=name)
    panels[1][0].set(title="Norm of the stem's gradient", xlabel="batches", yscale="log")
    panels[1][1].set(title="Loss of the generator", xlabel="batches", yscale="log")
    panels[1][1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--steps", type=int, default=20, help="batches that each variant is trained on")
    parser.add_argument("--seed", type=int, default=0, help="of the networks' first weights")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--streets", type=int, default=600, help="from which the most crowded are taken")
    options = parser.parse_args(arguments)
    space = LabelSpace.cityscapes_ids()
    streets = SyntheticStreets(options.streets, 40, 0, HEIGHT, WIDTH)
    data = LabelMapDataModule(
        Streets(streets), Semantic(space), space, HEIGHT, WIDTH, options.batch_size, 0, flip=False
    )
    data.prepare_data()
    batches = crowded_batches(data, options.steps, options.batch_size)
    rows: list[list[str]] = []
    shares: dict[str, Shares] = {}
    steps: dict[str, FirstSteps] = {}
    for variant in variants(space):
        generator, discriminator = networks(variant.encoding.channels, space.num_classes, options.seed)
        sizes, shares[variant.name] = describe_inputs(variant, batches[0], generator)
        steps[variant.name] = first_steps(variant, batches, generator, discriminator, space)
        rows += rows_of(variant.name, sizes, shares[variant.name], steps[variant.name])
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.output / "dissection.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows([["variant", "what", "where", "value"], *rows])
    draw(shares, steps, options.output / "dissection.png")
    for what in dict.fromkeys(row[1] for row in rows):
        print(table_as_markdown(as_table(rows, what)), end="\n\n")


if __name__ == "__main__":
    main()
