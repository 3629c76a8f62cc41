"""Curves and pictures for TensorBoard."""

from typing import Any

import numpy as np
from pytorch_lightning.loggers import TensorBoardLogger as LightningTensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from oasis.errors import ConfigurationError
from oasis.training.loggers.pictures import Pictures
from oasis.visualize import to_bytes


class TensorBoardLogger(LightningTensorBoardLogger):
    """Lightning's TensorBoard logger, with the pictures of `ImageLogger`.

    Args:
        save_dir: the run folder.
        version: the folder in it.

    Raises:
        ConfigurationError: TensorBoard is not installed.
    """

    def __init__(self, save_dir: str, version: str = "tensorboard") -> None:
        try:
            super().__init__(save_dir, name="", version=version, default_hp_metric=False)
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "logger=tensorboard: TensorBoard is not installed. pip install 'panoptic-oasis[tensorboard]', or "
                "train with logger=csv."
            ) from error

    @rank_zero_only
    def log_pictures(self, pictures: Pictures, step: int) -> None:
        """Logs the grid, and each fake separately; `step` counts batches."""
        writer: Any = self.experiment
        writer.add_image("samples/grid", np.asarray(pictures.grid), step, dataformats="HWC")
        for name, fake in zip(pictures.batch.name, to_bytes(pictures.fake).cpu(), strict=True):
            writer.add_image(f"generated/{name}", fake.numpy(), step)
