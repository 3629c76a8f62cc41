"""Stopping a run that has gone wrong before it overwrites what went well."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from oasis.errors import NonFiniteLossError
from oasis.training.module import as_gan_module


@dataclass
class _Losses:
    """Loss terms of one batch on their way to the host, and the event after which they are there."""

    batch: int
    samples: list[str]
    names: list[str]
    values: Tensor
    arrival: torch.cuda.Event | None


class StopOnNonFinite(Callback):
    """Ends training as soon as a loss term is NaN or infinite, before the next checkpoint is written.

    A GPU is never waited for: while it works on a batch, the losses of the batch before are looked at.
    """

    def __init__(self) -> None:
        self._awaited: _Losses | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss terms that the training step returned, or at those of the step before.

        Raises:
            NonFiniteLossError: with the terms and the batch.
        """
        self.look()
        values, arrival = to_host(torch.stack(list(outputs.values())))
        self._awaited = _Losses(as_gan_module(pl_module).batches_seen, batch.name, list(outputs), values, arrival)
        if arrival is None:
            self.look()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Look at the last terms before anything is written."""
        self.look()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the last terms."""
        self.look()

    def look(self) -> None:
        """Wait for the loss terms that are on their way, if any, and look at them.

        Raises:
            NonFiniteLossError: with the terms and the batch.
        """
        losses, self._awaited = self._awaited, None
        if losses is None:
            return
        if losses.arrival is not None:
            losses.arrival.synchronize()
        if not losses.values.isfinite().all():
            _stop(losses.batch, losses.samples, dict(zip(losses.names, losses.values.tolist(), strict=True)))


def to_host(values: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    """Start copying to the host.

    Returns:
        The copy, and the event to wait for before reading it; None where it is there already.
    """
    copy = values.to("cpu", non_blocking=True)
    if not values.is_cuda:
        if values.device.type != "cpu":
            torch.accelerator.synchronize(values.device)
        return copy, None
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return copy, event


def _stop(batch: int, samples: list[str], terms: Mapping[str, float]) -> None:
    bad = ", ".join(f"{name} = {value}" for name, value in terms.items() if not math.isfinite(value))
    raise NonFiniteLossError(
        f"Batch {batch} ({', '.join(samples)}): {bad}. Training has stopped; "
        "checkpoints, if there are any, are from before. Resume with lower model.generator_optimizer.lr and "
        "model.discriminator_optimizer.lr, or with trainer.precision=32-true."
    )
