"""The trainer for two networks with separate steps, on one or several devices."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy, Strategy

from oasis.errors import ConfigurationError
from oasis.training.distributed_errors import LAUNCHERS, lead


def make_trainer(strategy: str | Strategy = "auto", threads: int | None = None, **settings: Any) -> pl.Trainer:
    """Lightning's trainer; with several processes, `auto` is DDP that allows unused parameters.

    In the generator's step no parameter of the discriminator gets a gradient, and vice versa. Plain
    `DistributedDataParallel` would wait for them; with `find_unused_parameters` it does not, at the cost of a graph
    traversal that takes a thousandth of a step.

    Buffers are not broadcast: BatchNorm's statistics are those of all processes, and power iterations are the same in
    each.

    Args:
        strategy: `auto`, or any strategy of Lightning.
        threads: of torch, for operations on the CPU; None = as many as it has chosen.
        settings: all others of `pytorch_lightning.Trainer`.

    Raises:
        ConfigurationError: several processes in a job of a sweep that cannot start them; settings of one optimizer;
            fewer than one thread.
    """
    _require_own_optimization(settings)
    if threads is not None:
        if threads < 1:
            raise ConfigurationError(f"trainer.threads={threads}: at least 1, or null for as many as torch chooses.")
        torch.set_num_threads(threads)
    several = _several(settings)
    if several:
        _require_script()
        lead()
    if strategy == "auto" and several:
        strategy = DDPStrategy(find_unused_parameters=True, broadcast_buffers=False, gradient_as_bucket_view=True)
    return pl.Trainer(strategy=strategy, **settings)


def _require_own_optimization(settings: dict[str, Any]) -> None:
    """Refuse settings that Lightning does not support with manual optimisation.

    Raises:
        ConfigurationError: the message names the setting to use.
    """
    for theirs, ours in (("accumulate_grad_batches", "accumulate_batches"), ("gradient_clip_val", "clip_norm")):
        if settings.get(theirs) not in (None, 0, 1):
            raise ConfigurationError(f"trainer.{theirs} has no effect on two optimizers: use model.{ours}.")


def _require_script() -> None:
    """Refuse several processes if Lightning cannot start them by repeating this process's command line.

    Raises:
        ConfigurationError: this is a job of a sweep whose launcher has started it by a script of its own.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name.startswith(LAUNCHERS) and "SLURM_NTASKS" not in os.environ:
        raise ConfigurationError(
            "trainer.devices, trainer.num_nodes: jobs of hydra/launcher=local and of hydra/launcher=parallel train on "
            "one device each. Set trainer.devices=1, or leave hydra/launcher out: jobs then take turns. On a cluster, "
            "hydra/launcher=slurm."
        )


def _several(settings: dict[str, Any]) -> bool:
    """Whether there will be more than one process."""
    if int(settings.get("num_nodes", 1)) > 1 or int(os.environ.get("WORLD_SIZE", 1)) > 1:
        return True
    with _saying_once():
        probe = pl.Trainer(
            accelerator=settings.get("accelerator", "auto"),
            devices=settings.get("devices", "auto"),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    return probe.num_devices > 1


@contextmanager
def _saying_once() -> Iterator[None]:
    """Without Lightning's lines about devices, which the real trainer prints."""
    log = logging.getLogger("pytorch_lightning")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)
