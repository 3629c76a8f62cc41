"""Logging measurements of the encoding."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from oasis.training.base import data_of


class EncodingLog(Callback):
    """Logs the measurements of the encoding as `encoding/NAME`, such as the number of instances without a slot."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Logs the measurements of this batch."""
        for name, value in data_of(trainer).encoding.measurements().items():
            pl_module.log(f"encoding/{name}", value.float(), batch_size=len(batch))
