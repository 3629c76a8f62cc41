"""How long a training step of both networks takes: `oasis/reference`, `oasis/fast`, and each ingredient alone.

    python -m experiments.benchmarks.train_step [--json FILE] [--height 256 --width 512 --batch-size 1]
        [--channels 64 --device cuda] [--precision bf16-mixed] [--root CITYSCAPES] [--only NAME ...] [--profile]

Each contender is the real module in a real trainer, with the callbacks that do something in every batch. They take
turns on the same batch of street scenes; compared are the medians. Ingredients are what conf/speed/oasis/fast.yaml sets
otherwise than reference.yaml, each alone, and the options that it leaves alone. On a GPU `fast` is in bfloat16.
"""

import argparse
from collections.abc import Callable, Sequence

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table
from torch.utils.data import default_collate
from torch.utils.flop_counter import FlopCounterMode

from experiments.benchmarks.interleaving import Stepper
from experiments.benchmarks.measuring import arguments, interleaved, peak_memory, report, seconds_of
from experiments.benchmarks.profiling import where_the_time_goes
from oasis.batch import Batch
from oasis.cli.conf import conf_dir, load_config

REFERENCE, FAST = "reference", "fast"
OPTIONS = {
    "joint_pass": ["objective.joint_pass=true"],
    "compile, joint_pass": ["model.compile=true", "objective.joint_pass=true"],  # the one needs the other
    "recompute": ["model.recompute=true"],
    "bf16-mixed": ["trainer.precision=bf16-mixed"],
}
GOALS = {"cpu": 1.5, "cuda": 4.0}


def main(arguments_: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is `ratio train_step VALUE`, how many times faster `speed=oasis/fast` is."""
    options = _parser().parse_args(arguments_)
    device = torch.device(options.device)
    console = Console()
    batch = street_batch(["encoding=semantic", *settings_of(options)], options.batch_size, device)
    steppers, memory = build(contenders(options), batch, options, console)
    seconds = interleaved({name: each.step for name, each in steppers.items()}, options.rounds, device, warm_up=0)
    rows = results(seconds, memory, count_flops(steppers[REFERENCE]), options.batch_size)
    console.print(_table(rows, options))
    if device.type == "cuda":
        console.print(f"ceiling, an 8192^3 matrix product in bfloat16: {matmul_tflops(device):.0f} TFLOP/s")
    if options.profile:
        for name in (REFERENCE, FAST):
            console.print(where_the_time_goes(name, steppers[name].around_step, device))
    for stepper in steppers.values():
        stepper.close()
    ratio, goal = seconds[REFERENCE] / seconds[FAST], GOALS[device.type]
    console.print(f"goal: at least {goal:g} times {REFERENCE}; {'met' if ratio >= goal else 'missed'}")
    report("train_step", ratio, rows, options)


def contenders(options: argparse.Namespace) -> dict[str, list[str]]:
    """The settings of each, by name; the reference first."""
    on_gpu = options.device.startswith("cuda")
    precision = options.fast_precision or ("bf16-mixed" if on_gpu else options.precision)
    alone = {name: ["speed=oasis/reference", *settings] for name, settings in {**ingredients(), **OPTIONS}.items()}
    chosen = alone if options.only is None else {name: alone[name] for name in options.only}
    return {
        REFERENCE: ["speed=oasis/reference"],
        FAST: ["speed=oasis/fast", f"trainer.precision={precision}"],
        **chosen,
    }


def build(
    settings: dict[str, list[str]], batch: Batch, options: argparse.Namespace, console: Console
) -> tuple[dict[str, Stepper], dict[str, int]]:
    """Make each contender and let it warm up by two steps; also the most memory that took, in bytes."""
    steppers: dict[str, Stepper] = {}
    memory: dict[str, int] = {}
    for name, own in settings.items():
        console.print(f"[dim]building {name}[/dim]")

        def warm_up(name: str = name, own: Sequence[str] = own) -> None:
            steppers[name] = Stepper([*settings_of(options), *own], batch, options.device)
            for _ in range(2):  # the second has the optimizers' state from the start
                steppers[name].step()

        memory[name] = peak_memory(warm_up, options.device)
    return steppers, memory


def results(seconds: dict[str, float], memory: dict[str, int], flops: int, batch_size: int) -> list[dict[str, object]]:
    """One row per contender; all do what the reference does, so its operations are what each one is measured by."""
    return [
        {
            "name": name,
            "seconds": each,
            "images_per_second": batch_size / each,
            "ratio": seconds[REFERENCE] / each,
            "peak_bytes": memory[name],
            "memory_ratio": memory[name] / memory[REFERENCE],
            "tflops": flops / each / 1e12,
        }
        for name, each in seconds.items()
    ]


def street_batch(settings: Sequence[str], batch_size: int, device: torch.device) -> Batch:
    """Photos and maps of the dataset that the settings name."""
    cfg = load_config(settings)
    encoding = instantiate(cfg.encoding)
    data = instantiate(cfg.data, encoding=encoding)
    data.prepare_data()
    dataset = data.dataset("train")
    samples = default_collate([dataset[i] for i in range(batch_size)])
    batch: Batch = data.encode(data.transfer_batch_to_device(samples, device, 0))
    return batch


def ingredients() -> dict[str, list[str]]:
    """What `oasis/fast` sets otherwise than `oasis/reference`: overrides by name, such as `channels_last`."""
    plain, fast = (OmegaConf.load(conf_dir() / "speed" / "oasis" / f"{name}.yaml") for name in (REFERENCE, FAST))
    found: dict[str, list[str]] = {}
    for path, value in _leaves(OmegaConf.to_container(fast)):
        if OmegaConf.select(plain, path) != value:
            name = str(value).rsplit(".", 1)[-1] if path.endswith("._target_") else path
            found.setdefault(name, []).append(f"{path}={value}")
    return found


def count_flops(stepper: Stepper) -> int:
    """Floating-point operations of one step, two for each multiply-add of convolutions and matrix products."""
    counter = FlopCounterMode(display=False)
    stepper.around_step(counter)
    return int(counter.get_total_flops())


def matmul_tflops(device: torch.device, size: int = 8192) -> float:
    """The peak throughput of the device."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    product: Callable[[], object] = lambda: a @ b  # noqa: E731
    return 2 * size**3 / min(seconds_of(product, device) for _ in range(10)) / 1e12


def _leaves(tree: object, path: str = "") -> list[tuple[str, object]]:
    if not isinstance(tree, dict):
        return [(path, tree)]
    return [leaf for key, value in tree.items() for leaf in _leaves(value, f"{path}.{key}" if path else str(key))]


def settings_of(options: argparse.Namespace) -> list[str]:
    """What `python train.py` would be given for the sizes that were asked for."""
    streets = [f"data.streets.train={options.batch_size}", "data.streets.val=1"]
    return [
        *(streets if options.root is None else [f"data.root={options.root}"]),
        f"data.height={options.height}",
        f"data.width={options.width}",
        f"data.batch_size={options.batch_size}",
        "data.num_workers=0",
        f"generator.channels={options.channels}",
        f"generator.spade_channels={2 * options.channels}",
        f"discriminator.channels={2 * options.channels}",
        f"trainer.precision={options.precision}",
        "paths.output_dir=unused",
        *options.settings,
    ]


def _parser() -> argparse.ArgumentParser:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("settings", nargs="*", help="further settings of both, such as encoding=panoptic")
    parser.add_argument("--height", type=int, default=256, help="default: %(default)s")
    parser.add_argument("--width", type=int, default=512, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--channels", type=int, default=64, help="of the generator; others follow (%(default)s)")
    parser.add_argument("--precision", default="32-true", help="trainer.precision of all (default: %(default)s)")
    parser.add_argument("--fast-precision", help="of `fast` (default: bf16-mixed on a GPU, else that of all)")
    parser.add_argument("--root", help="a dataset in the layout of Cityscapes; else synthetic streets")
    parser.add_argument(
        "--only", nargs="*", metavar="NAME", help="ingredients beside reference and fast; none: neither"
    )
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    return parser


def _table(rows: Sequence[dict[str, object]], options: argparse.Namespace) -> Table:
    size = f"{options.batch_size} x {options.height}x{options.width}, {options.channels} channels"
    table = Table(title=f"a training step of both networks: {size}, on {options.device}")
    for heading in ("", "seconds", "images/s", "faster", "peak GB", "memory", "TFLOP/s"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=not heading)
    for row in rows:
        table.add_row(
            str(row["name"]),
            f"{row['seconds']:.3f}",
            f"{row['images_per_second']:.2f}",
            f"{row['ratio']:.2f}",
            f"{row['peak_bytes'] / 1e9:.2f}",  # type: ignore[operator]
            f"{row['memory_ratio']:.0%}",
            f"{row['tflops']:.3f}",
        )
    return table


if __name__ == "__main__":
    main()
