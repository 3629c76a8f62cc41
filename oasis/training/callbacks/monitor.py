"""The monitored metric of the best checkpoint: whether a run logs it, and its better direction."""

import difflib
from collections.abc import Collection

from pytorch_lightning import Trainer

from oasis.errors import ConfigurationError
from oasis.metrics import higher_is_better, known_names
from oasis.training.base import find_callback
from oasis.training.callbacks.metrics import Metrics
from oasis.training.module import GANModule

_SETTING = "callbacks.checkpoints.monitor"
_IN_EVERY_BATCH = ("generator/", "discriminator/", "encoding/", "speed/")
_LOSSES_OF_VALIDATION = "val/"
_LOSSES = (_LOSSES_OF_VALIDATION, "generator/", "discriminator/")


def lower_is_better(monitor: str, mode: str | None) -> bool:
    """Whether the lowest value of a metric is the best one.

    Args:
        monitor: its name.
        mode: `min` or `max`; None = by the metric's own direction.

    Raises:
        ConfigurationError: another mode, or none for an unknown metric.
    """
    if mode not in (None, "min", "max"):
        raise ConfigurationError(f"callbacks.checkpoints.mode={mode}: must be min, max, or null.")
    if mode is not None:
        return mode == "min"
    higher = False if monitor.startswith(_LOSSES) else higher_is_better(monitor)
    if higher is None:
        near = _near(monitor, known_names())
        misspelt = f"no such metric. Did you mean {near}? If it is one of your own, " if near else ""
        raise ConfigurationError(
            f"{_SETTING}={monitor}: {misspelt}it is not known which direction is better; set "
            "callbacks.checkpoints.mode=min or mode=max."
        )
    return not higher


def require_measured(monitor: str, trainer: Trainer, module: GANModule) -> None:
    """Refuse, before training, to monitor a metric that will not be logged.

    Metrics of the user's callbacks and those logged in every batch are not known yet.

    Raises:
        ConfigurationError: the message has similar names, or what is missing.
    """
    if monitor.startswith(_IN_EVERY_BATCH):
        return
    if not trainer.enable_validation and (monitor.startswith(_LOSSES_OF_VALIDATION) or monitor in known_names()):
        raise ConfigurationError(
            f"{_SETTING}={monitor}: nothing is validated in this run, since the dataset has no validation split or "
            "trainer.limit_val_batches=0. Set it to null, or hold samples back (data=folder data.val_fraction=0.1)."
        )
    if monitor.startswith(_LOSSES_OF_VALIDATION):
        if module.validation_losses:
            require_logged(monitor, module.validation_losses)
        return
    if monitor not in known_names():
        if near := _near(monitor, known_names()):
            raise ConfigurationError(f"{_SETTING}={monitor}: no such metric. Did you mean {near}?")
        return
    metrics = find_callback(trainer, Metrics)
    if metrics is None or not metrics.provides(monitor):
        raise ConfigurationError(
            f"{_SETTING}={monitor}: nothing in this run measures it. `fid` and `kid` need metrics=inception and its "
            "weights, `frechet_dinov2` needs metrics=dinov2, `cmmd` metrics=clip; scores that begin with segmenter/ "
            "need segmenter=unet or segmenter=mask2former; a segmenter that finds classes only, such as "
            "segmenter=drn_d_105, gives segmenter/miou."
        )


def is_logged_in_every_batch(monitor: str) -> bool:
    """Whether a metric is logged in every batch, so that its absence is known after the first."""
    return monitor.startswith(_IN_EVERY_BATCH)


def require_logged(monitor: str, logged: Collection[str]) -> None:
    """Refuse a metric that is not logged.

    Raises:
        ConfigurationError: the message has similar names, or else all.
    """
    if monitor not in logged:
        near = _near(monitor, logged)
        told = f"Did you mean {near}?" if near else f"There are {', '.join(sorted(logged))}."
        raise ConfigurationError(f"{_SETTING}={monitor}: no such metric is logged. {told}")


def _near(name: str, names: Collection[str]) -> str:
    return " or ".join(difflib.get_close_matches(name, names, n=3, cutoff=0.7))
