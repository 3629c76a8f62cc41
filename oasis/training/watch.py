"""Stopping a run that has gone wrong before it overwrites what went well."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from oasis.errors import NonFiniteLossError
from oasis.training.base import watched


class StopOnNonFinite(Callback):
    """Ends training as soon as a loss term is NaN or infinite, before the next checkpoint is written."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss terms that the training step returned.

        Raises:
            NonFiniteLossError: with the terms and the batch.
        """
        if torch.isfinite(torch.stack(list(outputs.values()))).all():
            return
        bad = ", ".join(f"{name} = {value.item()}" for name, value in outputs.items() if not value.isfinite())
        raise NonFiniteLossError(
            f"Batch {watched(pl_module).batches_seen} ({', '.join(batch.name)}): {bad}. Training has stopped; "
            "checkpoints, if there are any, are from before. Resume with lower model.generator_optimizer.lr and "
            "model.discriminator_optimizer.lr, or with trainer.precision=32-true."
        )
