"""What each encoding costs: alone, and as part of a training step, as multiples of `semantic`.

    python -m experiments.benchmarks.encodings [--json FILE] [--device cuda] [--channels 64]

First the encodings alone, on a batch of street-like maps; then training steps with `speed=oasis/fast`, on a batch of
synthetic streets, the time of encoding them included. In both, they take turns, so that whatever else the machine does
hits them alike; compared are the medians. The last line is `ratio encodings VALUE`, the step of the slowest of those
that are constant over most of the map, to that of `semantic`.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table
from torch import Tensor

from experiments.benchmarks.interleaving import Stepper
from experiments.benchmarks.measuring import arguments, device_name, interleaved, report
from experiments.benchmarks.train_step import settings_of, street_batch
from oasis.batch import Batch
from oasis.encodings import Encoding
from oasis.models.patch_guide import PatchGuide
from oasis.models.pyramid import GuidePyramid

CONF = Path(__file__).parents[2] / "conf"
BASELINE = "semantic"
MAPS = (8, 256, 512)  # B, H, W of the maps that are encoded alone
GOAL_ALONE, GOAL_STEP = 10.0, 1.10


@dataclass(frozen=True)
class Row:
    """One encoding's result.

    Attributes:
        name: of its yaml.
        channels: that it makes.
        milliseconds: of encoding a batch, median of all rounds.
        ratio: to the median of `semantic`.
        patches: whether SPADE runs on what differs in it, or everywhere.
        step_seconds: of a training step with it, the encoding included; median of all rounds.
        step_ratio: to that with `semantic`.
    """

    name: str
    channels: int
    milliseconds: float
    ratio: float
    patches: bool
    step_seconds: float
    step_ratio: float


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _options(given)
    device = torch.device(options.device)
    encodings = {name: encoding.to(device) for name, encoding in all_encodings().items()}
    alone = seconds_alone(encodings, options)
    streets = street_batch(["encoding=semantic", *settings_of(options)], options.batch_size, device)
    steps = seconds_of_steps(encodings, streets, options)
    rows = [
        Row(
            name,
            encoding.channels,
            1000 * alone[name],
            alone[name] / alone[BASELINE],
            is_sparse(encoding, streets),
            steps[name],
            steps[name] / steps[BASELINE],
        )
        for name, encoding in encodings.items()
    ]
    console = Console()
    console.print(_table(rows, options))
    slowest = max(rows, key=lambda row: row.ratio)
    console.print(_verdict(f"encoding alone at most {GOAL_ALONE:g} times {BASELINE}", slowest.ratio, GOAL_ALONE))
    worst = max((row for row in rows if row.patches), key=lambda row: row.step_ratio)
    goal = f"a step at most {GOAL_STEP:g} times {BASELINE} (slowest: {worst.name})"
    console.print(_verdict(goal, worst.step_ratio, GOAL_STEP))
    report("encodings", worst.step_ratio, [asdict(row) for row in rows], options)


def all_encodings() -> dict[str, Encoding]:
    """Every encoding of `conf/encoding`, by name, with the 35 classes of Cityscapes; in training mode."""
    space = {"label_space": {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}}
    return {
        path.stem: instantiate(OmegaConf.merge(OmegaConf.load(path), space))
        for path in sorted((CONF / "encoding").glob("*.yaml"))
    }


def street_like_maps(batch: int, height: int, width: int, instances: int = 20) -> tuple[Tensor, Tensor]:
    """Random boxes of cars before stripes of stuff: (B, H, W) int64 class indices and instance numbers."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(height).mul(8).div(height, rounding_mode="floor").add(7)
    label = label.view(-1, 1).expand(batch, height, width).clone()
    instance = torch.zeros_like(label)
    for image in range(batch):
        for number in range(1, instances + 1):
            share = torch.rand(4, generator=generator)
            top, left = int(share[0] * height * 0.8), int(share[1] * width * 0.8)
            box = (slice(top, top + 8 + int(share[2] * height / 4)), slice(left, left + 8 + int(share[3] * width / 4)))
            label[image][box] = 24 + number % 10
            instance[image][box] = number
    return label, instance


def seconds_alone(encodings: dict[str, Encoding], options: argparse.Namespace) -> dict[str, float]:
    """How long each takes for a batch of street-like maps."""
    label, instance = (each.to(options.device) for each in street_like_maps(*MAPS))
    acts: dict[str, Callable[[], object]] = {
        name: partial(encoding, label, instance) for name, encoding in encodings.items()
    }
    return interleaved(acts, max(options.rounds, 7), options.device)


def seconds_of_steps(encodings: dict[str, Encoding], streets: Batch, options: argparse.Namespace) -> dict[str, float]:
    """How long a step of both networks takes with each, the encoding of its batch included.

    Each takes turns with `semantic` alone, since at full width the networks of all of them want 40 GB; its time is
    given as a multiple of that of `semantic` in the first of these duels.
    """
    seconds = {BASELINE: 0.0}
    for name in encodings:
        if name != BASELINE:
            duel = _duel([BASELINE, name], encodings, streets, options)
            seconds[BASELINE] = seconds[BASELINE] or duel[BASELINE]
            seconds[name] = seconds[BASELINE] * duel[name] / duel[BASELINE]
    return seconds


def _duel(
    names: Sequence[str], encodings: dict[str, Encoding], streets: Batch, options: argparse.Namespace
) -> dict[str, float]:
    """The median seconds of a step with each of a few encodings that take turns."""
    steppers: dict[str, Stepper] = {}
    for name in names:
        batch = replace(streets, condition=encodings[name](streets.label, streets.instance))
        settings = [*settings_of(options), "speed=oasis/fast", f"encoding={name}"]
        steppers[name] = Stepper(settings, batch, options.device)

    def encode_and_step(name: str) -> None:
        encodings[name](streets.label, streets.instance)
        steppers[name].step()

    acts = {name: partial(encode_and_step, name) for name in steppers}
    seconds = interleaved(acts, options.rounds, options.device)
    for stepper in steppers.values():
        stepper.close()
    return seconds


def is_sparse(encoding: Encoding, streets: Batch) -> bool:
    """Whether the generator would run SPADE on what differs alone, at full size."""
    condition = encoding(streets.label, streets.instance)
    noise = condition.new_zeros(len(condition), 1)
    return isinstance(GuidePyramid(condition, noise, sparse=True).at(*condition.shape[-2:]), PatchGuide)


def _verdict(goal: str, value: float, limit: float) -> str:
    return f"goal: {goal}; {value:.2f}, {'met' if value <= limit else 'missed'}"


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--height", type=int, default=256, help="of the streets (default: %(default)s)")
    parser.add_argument("--width", type=int, default=512, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=1, help="streets (default: %(default)s)")
    parser.add_argument("--channels", type=int, default=64, help="of the generator; others follow (%(default)s)")
    parser.add_argument("--precision", default="32-true", help="a trainer.precision (default: %(default)s)")
    parser.set_defaults(root=None, settings=[])
    return parser.parse_args(given)


def _table(rows: Sequence[Row], options: argparse.Namespace) -> Table:
    size = f"{options.batch_size} x {options.height}x{options.width}, {options.channels} channels"
    table = Table(title=f"what encodings cost: steps of {size}, on {device_name(torch.device(options.device))}")
    for heading in ("encoding", "channels", "ms", f"x {BASELINE}", "SPADE", "step s", f"x {BASELINE}"):
        table.add_column(heading, justify="left" if heading == "encoding" else "right")
    for row in sorted(rows, key=lambda row: row.step_ratio):
        where = "what differs" if row.patches else "everywhere"
        alone = f"{row.milliseconds:.1f}", f"{row.ratio:.2f}"
        table.add_row(row.name, str(row.channels), *alone, where, f"{row.step_seconds:.2f}", f"{row.step_ratio:.2f}")
    return table


if __name__ == "__main__":
    main()
