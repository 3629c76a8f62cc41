"""The agenda: what is measured, stage by stage."""

import csv
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from experiments.benchmarks import inference
from experiments.benchmarks.gpu.sizes import TINY, Sizes, settings
from experiments.benchmarks.gpu.steps import losses_of_a_step, measured
from experiments.benchmarks.gpu.tracks import Line, Row
from experiments.benchmarks.measuring import ROOT
from experiments.benchmarks.train_step import OPTIONS, ingredients, matmul_tflops, street_batch
from oasis.cli.conf import conf_dir

BF16 = "trainer.precision=bf16-mixed"
COMPILED = ["model.compile=true", "objective.joint_pass=true"]
_PRECISIONS = {"float32": "trainer.precision=32-true", "bfloat16": BF16}


@dataclass(frozen=True)
class Stage:
    """A part of the agenda with a file of its own.

    Attributes:
        name: of the file.
        seconds: of 480; None = all that are left.
        tracks: that run beside each other.
    """

    name: str
    seconds: float | None
    tracks: Sequence[Sequence[Line]]


def agenda(sizes: Sizes, device: str, out: Path, ends: float) -> list[Stage]:
    """All stages in their order.

    Args:
        sizes: of everything.
        device: `cuda` or `cpu`.
        out: where a training's folder goes.
        ends: when the whole run has to end, in seconds of `time.monotonic`.
    """
    return [
        Stage("smoke", 60, smoke(sizes, device)),
        Stage("train_step", 150, [training_steps(sizes, device)]),
        Stage("painting", 40, [painting(sizes, device)]),
        Stage("models", 60, [models(sizes, device)]),
        Stage("training", None, [[Line("training", partial(train, sizes, device, out / "training", ends))]]),
    ]


def smoke(sizes: Sizes, device: str) -> list[list[Line]]:
    """Nothing here is timed, so all of it runs at once, compilers and the drawing of streets beside the tests."""
    small = [*settings(TINY), "data.height=64", "data.width=128", "model=oasis_tiny", "objective.joint_pass=true"]

    def step(where: str, name: str, *more: str) -> Line:
        act = partial(losses_of_a_step, name, [*small, *more], TINY.batches[0], where)
        return Line(name, act, sizes.compiling if "compiled" in name else sizes.limit)

    eager = [step(device, name, precision) for name, precision in _PRECISIONS.items()]
    compiled = [[step(device, f"{name}, compiled", precision, *COMPILED)] for name, precision in _PRECISIONS.items()]
    drawing = Line("drawing streets", partial(draw, sizes))
    return [[Line("tests marked gpu", gpu_tests)], [step("cpu", "CPU, float32"), *eager], *compiled, [drawing]]


def training_steps(sizes: Sizes, device: str) -> list[Line]:
    """The reference, the fast path, and each ingredient alone; what is compiled comes last."""
    few, many = sizes.batches
    model, reference = f"model=oasis{sizes.suffix}", "speed=oasis/reference"
    alone = {**ingredients(), **OPTIONS}
    late = [name for name in alone if "compile" in name]

    def line(name: str, batch_size: int, *more: str, counted: bool = False) -> Line:
        act = partial(
            measured, name, [*settings(sizes), model, *more], batch_size, device, sizes.rounds, counted=counted
        )
        return Line(name, act, sizes.compiling if name in late else sizes.limit)

    return [
        Line("ceiling", partial(ceiling, sizes.product, device)),
        line("reference", few, reference, counted=True),
        line("fast, bfloat16", few, "speed=oasis/fast", BF16),
        line(f"fast, bfloat16, batch {many}", many, "speed=oasis/fast", BF16),
        *(line(name, few, reference, *alone[name]) for name in sorted(alone, key=late.__contains__)),
    ]


def painting(sizes: Sizes, device: str) -> list[Line]:
    """Pictures by the plain path, the fast one, dense and sparse."""
    return [Line(f"batch {count}", partial(paint, sizes, device, count)) for count in sizes.pictures]


def models(sizes: Sizes, device: str) -> list[Line]:
    """A step with every encoding, the encoding of the batch included, and of the other models; `semantic` first."""
    encodings = sorted((path.stem for path in (conf_dir() / "encoding").glob("*.yaml")), key="semantic".__ne__)
    contenders = {name: [f"model=oasis{sizes.suffix}", f"encoding={name}"] for name in encodings}
    for name in ("spade", "pix2pixhd"):  # their weights of VGG may be missing: without the perceptual term
        contenders[name] = [f"model={name}{sizes.suffix}", "objective.perceptual_weight=0"]
    step = partial(measured, batch_size=sizes.batches[0], device=device, rounds=sizes.rounds, encoded=True)
    return [
        Line(name, partial(step, name, [*settings(sizes), BF16, *own]), sizes.limit) for name, own in contenders.items()
    ]


def draw(sizes: Sizes) -> list[Row]:
    """Draw and decode the streets of all stages, by all cores."""
    from oasis.cli.prepare import prepare

    start = time.perf_counter()
    prepare(settings(sizes))
    return [{"name": "drawing streets", "streets": sizes.streets, "seconds": time.perf_counter() - start}]


def gpu_tests() -> list[Row]:
    """The tests that are marked `gpu`; the other files are not even imported."""
    import pytest

    files = [str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.gpu" in path.read_text()]
    tally = _Tally()
    pytest.main(["-m", "gpu", "-p", "no:cacheprovider", *files], plugins=[tally])
    row: Row = {"name": "tests marked gpu", **{name: tally.outcomes[name] for name in ("passed", "failed", "skipped")}}
    if row["failed"] or not sum(tally.outcomes.values()):
        row["error"] = f"{row['failed']} tests failed, see the log" if row["failed"] else "no test was found"
    return [row]


class _Tally:
    """Counts outcomes of tests."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Called by pytest."""
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome] += 1


def ceiling(size: int, device: str) -> list[Row]:
    """The device's own peak, for a product of square matrices."""
    return [{"name": "ceiling", "tflops": matmul_tflops(torch.device(device), size)}]


def paint(sizes: Sizes, device: str, count: int) -> list[Row]:
    """Milliseconds a picture, in float32."""
    options = inference.parsed(["--device", device, "--channels", f"{sizes.channels}", "--rounds", f"{sizes.rounds}"])
    batch = street_batch(settings(sizes), count, torch.device(device))
    generator = inference.new_generator(options, batch.condition.shape[1]).to(device)
    noise = torch.randn(count, generator.noise_dim, generator=torch.Generator().manual_seed(0)).to(device)
    return [
        {
            "name": f"{row['path']}, batch {count}",
            "milliseconds": 1000 * float(row["seconds"]) / count,
            "peak_bytes": int(float(row["peak_mib"]) * 2**20),
            "difference": row["difference"],
        }
        for row in inference.compare(generator, batch.condition, noise, options)
    ]


def train(sizes: Sizes, device: str, folder: Path, ends: float) -> list[Row]:
    """`oasis train` until the time is over; its curves and pictures stay in the folder."""
    from oasis.cli.training import main

    seconds = min(sizes.training, ends - time.monotonic() - sizes.ending)
    if seconds < 1:
        return [{"name": "training", "cut": f"it needs {sizes.ending:g} s to start and to end"}]
    sys.argv[1:] = [
        *settings(sizes),
        f"paths.output_dir={folder}",
        f"model=oasis{sizes.suffix}",
        f"data.batch_size={sizes.batches[0]}",
        BF16,
        f"trainer.accelerator={'gpu' if device == 'cuda' else device}",
        "trainer.max_epochs=1000000",
        f"+trainer.max_time='{time.strftime('00:%H:%M:%S', time.gmtime(seconds))}'",
        "trainer.limit_val_batches=0",
        "trainer.log_every_n_steps=5",
        "generator.init_gain=1",
        "callbacks.ema.decay=0.99",
        "callbacks.ema.bn_batches=10",
        "callbacks.image_logger.every_batches=200",
        "callbacks.checkpoints=null",
        "callbacks.metrics=null",
        "callbacks.progress_bar=null",
        "trainer.enable_progress_bar=false",
    ]
    main()
    with (folder / "metrics.csv").open(newline="") as file:
        last = {name: float(value) for name, value in list(csv.DictReader(file))[-1].items() if value}
    return [{"name": "training", "seconds": seconds, **last}]
