"""Training steps: how long one takes, and its losses."""

import gc
import time
import warnings
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import torch
from hydra.utils import instantiate

from experiments.benchmarks.gpu.tracks import Row
from experiments.benchmarks.interleaving import Stepper
from experiments.benchmarks.measuring import peak_memory, seconds_of
from experiments.benchmarks.train_step import count_flops, street_batch
from oasis.batch import Batch
from oasis.cli.conf import load_config

_FEW, _ENOUGH = 3, 3.0  # so many steps if they take longer than these seconds


def measured(
    name: str,
    settings: Sequence[str],
    batch_size: int,
    device: str,
    rounds: int,
    *,
    counted: bool = False,
    encoded: bool = False,
) -> list[Row]:
    """Seconds and peak memory of a training step of both networks.

    Args:
        name: of the row.
        settings: as `python train.py` takes them.
        batch_size: B.
        device: `cuda` or `cpu`.
        rounds: steps that are timed, or three if these take long.
        counted: whether operations are counted, too.
        encoded: whether encoding the batch is part of a step.
    """
    batch = street_batch(settings, batch_size, torch.device(device))
    made: list[Stepper] = []

    def warm_up() -> None:
        made.append(_stepper(settings, batch, device))
        for _ in range(2):  # the second has the optimizers' state from the start
            made[0].step()

    peak = peak_memory(warm_up, device)
    encoding = instantiate(load_config(settings).encoding).to(device) if encoded else None

    def step() -> None:
        if encoding is not None:
            encoding(batch.label, batch.instance)
        made[0].step()

    seconds = median_seconds(step, device, rounds)
    row: Row = {
        "name": name,
        "batch_size": batch_size,
        "seconds": seconds,
        "images_per_second": batch_size / seconds,
        "peak_bytes": peak,
    }
    if counted:
        row["flops_per_image"] = count_flops(made[0]) / batch_size
    made.pop().close()
    gc.collect()  # networks and trainer know each other; the next line wants the memory
    torch.cuda.empty_cache()
    return [row]


def losses_of_a_step(name: str, settings: Sequence[str], batch_size: int, device: str) -> list[Row]:
    """The loss terms of a first step, and the seconds until they were there."""
    batch = street_batch(settings, batch_size, torch.device(device))
    start = time.perf_counter()
    stepper = _stepper(settings, batch, device)
    stepper.step()
    seconds = time.perf_counter() - start
    row: dict[str, Any] = {"name": name, "seconds": seconds, "losses": stepper.losses()}
    stepper.close()
    return [row]


def _stepper(settings: Sequence[str], batch: Batch, device: str) -> Stepper:
    stepper = Stepper(settings, batch, device)
    warnings.filterwarnings("error", message="model.compile=true")  # the figures would be those of plain networks
    return stepper


def median_seconds(act: Callable[[], object], device: str, rounds: int) -> float:
    """The median of some calls, or of three if these take seconds."""
    times: list[float] = []
    while len(times) < min(rounds, _FEW) or (len(times) < rounds and sum(times) < _ENOUGH):
        times.append(seconds_of(act, device))
    return median(times)
