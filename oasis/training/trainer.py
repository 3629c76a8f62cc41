"""A trainer that fits two networks which step apart, on however many devices."""

import os
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.strategies import DDPStrategy, Strategy


def make_trainer(strategy: str | Strategy = "auto", **settings: Any) -> pl.Trainer:
    """Lightning's trainer; with several processes, `auto` is data parallelism that knows of networks that rest.

    In the generator's step no parameter of the discriminator gets a gradient, and the other way round. Plain
    `DistributedDataParallel` would wait for them; told to look for unused parameters, it does not. Looking costs a walk
    over the graph, which takes a thousandth of a step.

    Buffers are not broadcast: BatchNorm's statistics are those of all processes already, and power iterations are the
    same in each.

    Args:
        strategy: `auto`, or what Lightning knows.
        settings: all others of `pytorch_lightning.Trainer`.
    """
    if strategy == "auto" and _several(settings):
        strategy = DDPStrategy(find_unused_parameters=True, broadcast_buffers=False, gradient_as_bucket_view=True)
    return pl.Trainer(strategy=strategy, **settings)


def _several(settings: dict[str, Any]) -> bool:
    """Whether there will be more than one process."""
    if int(settings.get("num_nodes", 1)) > 1 or int(os.environ.get("WORLD_SIZE", 1)) > 1:
        return True
    probe = pl.Trainer(
        accelerator=settings.get("accelerator", "auto"),
        devices=settings.get("devices", "auto"),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return probe.num_devices > 1
