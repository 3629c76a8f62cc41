"""How long each encoding takes, as a multiple of `semantic` on the same batch.

    python -m experiments.benchmarks.encodings [--json FILE] [--device cuda]

The encodings take turns, so that whatever else the machine does hits them alike; compared are the medians.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table
from torch import Tensor

from oasis.encodings import Encoding

CONF = Path(__file__).parents[2] / "conf"
BASELINE = "semantic"
GOAL = 10.0


@dataclass(frozen=True)
class Row:
    """One encoding's result.

    Attributes:
        name: of its yaml.
        channels: that it makes.
        milliseconds: median of all rounds.
        ratio: to the median of `semantic`.
    """

    name: str
    channels: int
    milliseconds: float
    ratio: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is `ratio NAME VALUE` of the slowest."""
    parser = argparse.ArgumentParser(description="How long each encoding takes, as a multiple of `semantic`.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=11, help="turns of each encoding (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="images (default: %(default)s)")
    parser.add_argument("--height", type=int, default=256, help="default: %(default)s")
    parser.add_argument("--width", type=int, default=512, help="default: %(default)s")
    options = parser.parse_args(arguments)

    device = torch.device(options.device)
    label, instance = (each.to(device) for each in street_like_maps(options.batch, options.height, options.width))
    rows = measure(
        {name: encoding.to(device) for name, encoding in all_encodings().items()}, label, instance, options.rounds
    )
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    console = Console()
    console.print(_table(rows, options, device))
    worst = max(rows, key=lambda row: row.ratio)
    console.print(f"goal: at most {GOAL:g} times {BASELINE}; {'met' if worst.ratio <= GOAL else 'missed'}")
    print(f"ratio {worst.name} {worst.ratio:.2f}")


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


def measure(encodings: dict[str, Encoding], label: Tensor, instance: Tensor, rounds: int) -> list[Row]:
    """Let the encodings take turns, `rounds` each and one before to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in encodings}
    for _ in range(rounds + 1):
        for name, encoding in encodings.items():
            seconds[name].append(_seconds(encoding, label, instance))
    medians = {name: median(times[1:]) for name, times in seconds.items()}
    return [
        Row(name, encoding.channels, 1000 * medians[name], medians[name] / medians[BASELINE])
        for name, encoding in encodings.items()
    ]


def _seconds(encoding: Encoding, label: Tensor, instance: Tensor) -> float:
    start = time.perf_counter()
    encoding(label, instance)
    if label.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _table(rows: list[Row], options: argparse.Namespace, device: torch.device) -> Table:
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} thread(s)"
    title = f"a batch of {options.batch} at {options.height}x{options.width} on {where}, torch {torch.__version__}"
    table = Table(title=title)
    for heading in ("encoding", "channels", "ms", f"times {BASELINE}"):
        table.add_column(heading, justify="left" if heading == "encoding" else "right")
    for row in sorted(rows, key=lambda row: row.ratio):
        table.add_row(row.name, str(row.channels), f"{row.milliseconds:.1f}", f"{row.ratio:.2f}")
    return table


if __name__ == "__main__":
    main()
