"""How long does each model generate and train, and how much memory does it take?

    python -m experiments.benchmarks.models [--json FILE] [--models oasis spade pix2pixhd] [--device cuda] [--generate]
    python -m experiments.benchmarks.models --models oasis "oasis generator/panoptic=aware"

Full width, as published, all with `encoding=boundary`, on the same batch of street scenes: the real modules in real
trainers, see `train_step`. Models take turns; compared are the medians, as multiples of the first model. A model's name
may be followed by settings of its own.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from experiments.benchmarks.interleaving import Stepper
from experiments.benchmarks.measuring import arguments, interleaved, peak_memory, report
from experiments.benchmarks.train_step import street_batch
from oasis.batch import Batch
from oasis.models.generating import generate

SETTINGS = ("encoding=boundary", "data.num_workers=0", "paths.output_dir=unused")
GIB = 2**30


def main(arguments_: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is `ratio models VALUE`, the last model's time as a multiple of the first's."""
    options = _parser().parse_args(arguments_)
    batch = street_batch(_sizes(options), options.batch_size, torch.device(options.device))
    steppers: dict[str, Stepper] = {}
    acts: dict[str, Callable[[], object]] = {}
    memory: dict[str, int] = {}
    for name in options.models:

        def start(name: str = name) -> None:
            steppers[name] = Stepper([*_sizes(options), *f"model={name}".split()], batch, options.device)
            act = partial(_picture, steppers[name], batch) if options.generate else steppers[name].step
            act()
            acts[name] = act

        memory[name] = peak_memory(start, options.device)
    seconds = interleaved(acts, options.rounds, options.device, warm_up=0)
    first = options.models[0]
    rows: list[dict[str, object]] = [
        {
            "model": name,
            "seconds": each,
            "ratio": each / seconds[first],
            "peak_bytes": memory[name],
            "memory_ratio": memory[name] / memory[first],
        }
        for name, each in seconds.items()
    ]
    Console().print(_table(rows, options))
    report("models", seconds[options.models[-1]] / seconds[first], rows, options)


def _picture(stepper: Stepper, batch: Batch) -> Tensor:
    """One batch of pictures by a model in eval mode."""
    generator = stepper.module.generator.eval()
    noise = torch.zeros(len(batch.label), *generator.noise_shape) if generator.noise_dim else None
    with torch.inference_mode():
        return generate(generator, batch, None if noise is None else noise.to(batch.label.device))


def _sizes(options: argparse.Namespace) -> list[str]:
    streets = [f"data.streets.train={options.batch_size}", "data.streets.val=1"]
    size = [f"data.height={options.height}", f"data.width={options.width}", f"data.batch_size={options.batch_size}"]
    return [*SETTINGS, *streets, *size, *options.settings]


def _parser() -> argparse.ArgumentParser:
    parser = arguments(__doc__, rounds=2)
    parser.add_argument("settings", nargs="*", help="further settings of all, such as trainer.precision=bf16-mixed")
    parser.add_argument("--models", nargs="+", default=["oasis", "spade", "pix2pixhd"], help="default: %(default)s")
    parser.add_argument("--height", type=int, default=256, help="default: %(default)s")
    parser.add_argument("--width", type=int, default=512, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--generate", action="store_true", help="measure generating instead of training")
    return parser


def _table(rows: Sequence[dict[str, object]], options: argparse.Namespace) -> Table:
    what = "generating" if options.generate else "a training step of both networks"
    table = Table(title=f"{what}: {options.batch_size} x {options.height}x{options.width}, on {options.device}")
    for heading in ("model", "seconds", "times the first", "peak GiB", "times the first"):
        table.add_column(heading, justify="right" if heading != "model" else "left")
    for row in rows:
        peak = float(str(row["peak_bytes"])) / GIB
        table.add_row(str(row["model"]), f"{row['seconds']:.2f}", f"{row['ratio']:.2f}", f"{peak:.2f}",
                      f"{row['memory_ratio']:.2f}")  # fmt: skip
    return table


if __name__ == "__main__":
    main()
