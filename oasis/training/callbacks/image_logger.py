"""Sample pictures while training."""

from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from oasis.batch import Batch
from oasis.data.sample import Split
from oasis.errors import ConfigurationError
from oasis.models.generating import generate
from oasis.training.base import data_of
from oasis.training.loggers.pictures import PictureLogger, Pictures
from oasis.training.module import GANModule, as_gan_module
from oasis.training.sampling import fixed_noise, sampling_generator
from oasis.visualize import colorize, sample_grid


class ImageLogger(Callback):
    """Regularly generates pictures of the same label maps with the same noise.

    Writes `batch_00000500.png`, one row per sample: photo | label map | fake of the sampling generator, and passes
    the same to every logger that takes pictures: all of it to a `PictureLogger`, the grid to Lightning's own.

    Args:
        folder: where the files go.
        every_batches: how often; a last one is saved when training ends.
        samples: how many rows, taken from the start of the validation split.
        seed: of the noise.

    Raises:
        ConfigurationError: an interval or a number of samples below 1.
    """

    def __init__(self, folder: str, every_batches: int = 500, samples: int = 6, seed: int = 0) -> None:
        if every_batches < 1 or samples < 1:
            raise ConfigurationError(
                f"callbacks.image_logger.every_batches={every_batches} samples={samples}: both must be 1 or more; "
                "callbacks.image_logger=null turns it off."
            )
        self.folder = Path(folder)
        self.every_batches = every_batches
        self.samples = samples
        self.seed = seed
        self._batch: Batch | None = None
        self._saved_at = -1

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves a picture every `every_batches` batches."""
        if as_gan_module(pl_module).batches_seen % self.every_batches == 0:
            self._save_picture(trainer, as_gan_module(pl_module))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves a final picture."""
        if as_gan_module(pl_module).batches_seen != self._saved_at:
            self._save_picture(trainer, as_gan_module(pl_module))

    def _save_picture(self, trainer: Trainer, module: GANModule) -> None:
        with sampling_generator(trainer) as generator:  # on every rank: estimating BatchNorm may be collective
            if not trainer.is_global_zero:
                return
            if self._batch is None:
                data = data_of(trainer)
                split: Split = "val" if data.has_validation else "train"
                self._batch = data.first_samples(split, self.samples, module.device)
            fake = generate(generator, self._batch, fixed_noise(generator, self._batch, self.seed))
        labels = colorize(self._batch.label, module.label_space.palette)
        grid = sample_grid({"photo": self._batch.image, "label map": labels, "generated": fake})
        self.folder.mkdir(parents=True, exist_ok=True)
        grid.save(self.folder / f"batch_{module.batches_seen:08d}.png")
        pictures = Pictures(grid, self._batch, fake, module.label_space)
        for logger in trainer.loggers:
            if isinstance(logger, PictureLogger):
                logger.log_pictures(pictures, module.batches_seen)
            elif hasattr(logger, "log_image"):
                logger.log_image("samples", [grid], step=module.batches_seen)
        self._saved_at = module.batches_seen
