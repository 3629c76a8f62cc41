"""Stopping a diverged run before it overwrites its checkpoints."""

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
    """Loss terms of one batch that are being copied to the host, and the event of the copy's end."""

    batch: int
    samples: list[str]
    names: list[str]
    values: Tensor
    arrival: torch.cuda.Event | None


class StopOnNonFinite(Callback):
    """Ends training as soon as a loss term is NaN or infinite, before the next checkpoint is written.

    The host never waits for a GPU: while it computes a batch, the losses of the previous one are checked.
    """

    def __init__(self) -> None:
        self._awaited: _Losses | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Checks the loss terms of this step or, on a GPU, of the previous one.

        Raises:
            NonFiniteLossError: the message names the terms and the batch.
        """
        self.look()
        values, arrival = to_host(torch.stack(list(outputs.values())))
        self._awaited = _Losses(as_gan_module(pl_module).batches_seen, batch.name, list(outputs), values, arrival)
        if arrival is None:
            self.look()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Checks the last terms before a checkpoint is written."""
        self.look()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Checks the last terms."""
        self.look()

    def look(self) -> None:
        """Waits for the loss terms that are being copied, if any, and checks them.

        Raises:
            NonFiniteLossError: the message names the terms and the batch.
        """
        losses, self._awaited = self._awaited, None
        if losses is None:
            return
        if losses.arrival is not None:
            losses.arrival.synchronize()
        if not losses.values.isfinite().all():
            _stop(losses.batch, losses.samples, dict(zip(losses.names, losses.values.tolist(), strict=True)))


def to_host(values: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    """Start an asynchronous copy to the host.

    Returns:
        The copy, and the event to wait for before reading it; None if the copy is complete.
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
        "checkpoints, if there are any, are from before. Resume one (resume=FILE) with lower "
        "model.generator_optimizer.lr and model.discriminator_optimizer.lr, or with trainer.precision=32-true."
    )
