"""An exponential moving average of the generator, whose pictures are better than those of the generator itself."""

from collections.abc import Iterator
from typing import Any, cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from oasis.batch import Batch
from oasis.errors import CheckpointError, ConfigurationError
from oasis.models import Generator
from oasis.models.generating import generate
from oasis.run_names import EMA_KEY
from oasis.training.base import data_of
from oasis.training.module import as_gan_module
from oasis.training.sampling import styled


class GeneratorEMA(Callback):
    """Averages the generator's weights after every step of its optimizer; the weights are in the checkpoint.

    The activations of averaged weights have other moments than those of any trained generator, so the
    BatchNorm statistics are re-estimated before the average is used or saved. This does not change the random state
    of training.
    Source: Yazici et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training"; Sushko et al. 2021.

    Args:
        decay: of the average, per batch: 0.999 remembers about 1000 batches.
        bn_batches: training batches that the BatchNorm statistics are estimated on; 0 = use the generator's own.

    Raises:
        ConfigurationError: a decay outside [0, 1), a negative number of batches.
    """

    def __init__(self, decay: float = 0.999, bn_batches: int = 50) -> None:
        if not isinstance(decay, int | float) or not 0 <= decay < 1:
            raise ConfigurationError(
                f"callbacks.ema.decay={decay}: must be at least 0 and below 1, such as 0.999. Without an average: "
                "callbacks.ema=null."
            )
        if not isinstance(bn_batches, int) or bn_batches < 0:
            raise ConfigurationError(
                f"callbacks.ema.bn_batches={bn_batches}: must be a whole number, 0 (no estimation) or above."
            )
        self.decay = decay
        self.bn_batches = bn_batches
        self._move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self._average: AveragedModel | None = None
        self._started = False  # in this process
        self._estimated_at = -1

    @property
    def generator(self) -> Generator:
        """The averaged generator, with its current BatchNorm statistics."""
        if self._average is None:
            raise RuntimeError("The average exists only once the trainer has set this callback up.")
        return cast(Generator, self._average.module)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Copies the generator."""
        if self._average is None:
            self._average = AveragedModel(as_gan_module(pl_module).generator, multi_avg_fn=self._move)
            self._average.requires_grad_(False).eval()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Moves the average to the generator's device."""
        cast(AveragedModel, self._average).to(pl_module.device)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Updates the average."""
        if not as_gan_module(pl_module).accumulation.stepping:
            return  # gradients are being accumulated: the generator is unchanged
        average, generator = cast(AveragedModel, self._average), as_gan_module(pl_module).generator
        if not self._started:
            average.update_parameters(generator)  # copies the generator, or continues, by the average's count
            self._started = True
            return
        # As `update_parameters` from then on, but without reading the count from the device, which makes the host wait.
        with torch.no_grad():
            self._move(list(average.parameters()), list(generator.parameters()), average.n_averaged)
            for ours, theirs in zip(average.module.buffers(), generator.buffers(), strict=True):
                ours.copy_(theirs)
            average.n_averaged += 1

    def ready_generator(self, trainer: Trainer) -> Generator:
        """The averaged generator with BatchNorm statistics that fit its weights."""
        batches_seen = as_gan_module(trainer.lightning_module).batches_seen
        if self.bn_batches and self._estimated_at != batches_seen:
            with isolate_rng(), torch.no_grad():
                torch.manual_seed(0)
                update_bn(self._batches(trainer), _OfBatch(self.generator))
            self._estimated_at = batches_seen
        return self.generator

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Adds the average, with estimated BatchNorm statistics."""
        self.ready_generator(trainer)
        checkpoint[EMA_KEY] = cast(AveragedModel, self._average).state_dict()

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Restores the average.

        Raises:
            CheckpointError: the checkpoint has no average.
        """
        if EMA_KEY not in checkpoint:
            raise CheckpointError(
                "The checkpoint holds no averaged generator, so the run that wrote it had callbacks.ema=null. Resume "
                "it with callbacks.ema=null."
            )
        cast(AveragedModel, self._average).load_state_dict(checkpoint[EMA_KEY])
        self._estimated_at = checkpoint["progress"]["batches_seen"]  # they were estimated before saving

    def _batches(self, trainer: Trainer) -> Iterator[Batch]:
        data = data_of(trainer)
        device = trainer.lightning_module.device
        for samples in data.statistics_dataloader(self.bn_batches):
            yield data.encode(data.transfer_batch_to_device(samples, device, 0))


class _OfBatch(nn.Module):
    """Adapts a generator to torch's `update_bn`, which passes one argument; the noise is random, as in training."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, batch: Batch) -> Tensor:
        """Generates fakes for the batch."""
        noise, _ = styled(self.generator, batch, None)
        return generate(self.generator, batch, noise)
