"""OASIS as a LightningModule: one generator step, one discriminator step a batch."""

from collections.abc import Callable, Iterable
from typing import cast

import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

from oasis.batch import Batch
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.losses import NPlusOneLoss, VGGPerceptualLoss, label_mix, label_mix_loss, label_mix_mask
from oasis.models import OASISDiscriminator, OASISGenerator
from oasis.training.base import GANModule
from oasis.training.sampling import fixed_noise, sampling_generator

LossTerms = dict[str, Tensor]
OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


class OASIS(GANModule):
    """The OASIS GAN: a SPADE generator against a discriminator that segments.

    Every loss term enters its network's sum as it is logged: weights are already in it.
    Source: Sushko et al. 2021, "You Only Need Adversarial Supervision for Semantic Image Synthesis".

    Args:
        label_space: the classes; gives the discriminator its outputs and the loss its ignored class.
        condition_channels: channels of the encoded label map, `encoding.channels`.
        generator: makes the generator from `condition_channels`.
        discriminator: makes the discriminator from `num_classes`.
        generator_optimizer: makes the generator's optimizer from its parameters.
        discriminator_optimizer: makes the discriminator's.
        balance_classes: weigh each class by the inverse of its frequency in the batch (equation 1).
        label_mix_weight: of the LabelMix consistency term (section 3.2); 0 switches it off.
        perceptual_weight: of the VGG-19 perceptual term on the generator; 0 switches it off.
        perceptual_weights_file: VGG-19 weights, see `VGGPerceptualLoss`.
    """

    def __init__(
        self,
        label_space: LabelSpace,
        condition_channels: int,
        generator: Callable[..., OASISGenerator],
        discriminator: Callable[..., OASISDiscriminator],
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        balance_classes: bool = True,
        label_mix_weight: float = 5.0,
        perceptual_weight: float = 0.0,
        perceptual_weights_file: str | None = None,
    ) -> None:
        super().__init__()
        self.label_space = label_space
        self.generator = generator(condition_channels=condition_channels)
        self.discriminator = discriminator(num_classes=label_space.num_classes)
        self.adversarial = NPlusOneLoss(label_space.num_classes, label_space.ignore_index, balance=balance_classes)
        self.label_mix_weight = label_mix_weight
        self.perceptual_weight = perceptual_weight
        self.perceptual = VGGPerceptualLoss(perceptual_weights_file) if perceptual_weight > 0 else None
        self._generator_optimizer = generator_optimizer
        self._discriminator_optimizer = discriminator_optimizer

    def training_step(self, batch: Batch, batch_idx: int) -> LossTerms:
        """Generator step, then discriminator step on fresh fakes; returns all loss terms, detached."""
        generator_optimizer, discriminator_optimizer = cast(list[LightningOptimizer], self.optimizers())
        terms = {
            **_named("generator", self._step(generator_optimizer, self.generator_loss, batch)),
            **_named("discriminator", self._step(discriminator_optimizer, self.discriminator_loss, batch)),
        }
        self.batches_seen += 1
        self.images_seen += len(batch) * self.trainer.world_size
        self.log_dict({**terms, **self.log_step()}, batch_size=len(batch))
        return terms

    def generator_loss(self, batch: Batch) -> LossTerms:
        """What the generator pays for fakes whose pixels are not taken for real ones of their class."""
        fake = self.generator(batch.condition)
        terms = {"adversarial": self.adversarial.real(self.discriminator(fake), batch.label)}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual_weight * self.perceptual(fake, batch.image)
        return terms

    def discriminator_loss(self, batch: Batch) -> LossTerms:
        """What the discriminator pays for real pixels of a wrong class, fake ones unnoticed, and inconsistency."""
        with torch.no_grad():
            fake = self.generator(batch.condition)
        real_logits = self.discriminator(batch.image)
        fake_logits = self.discriminator(fake)
        terms = {"real": self.adversarial.real(real_logits, batch.label), "fake": self.adversarial.fake(fake_logits)}
        if self.label_mix_weight > 0:
            mask = label_mix_mask(batch.label, self.label_space.num_classes)
            mixed_logits = self.discriminator(label_mix(batch.image, fake, mask))
            mix = label_mix_loss(mixed_logits, real_logits, fake_logits, mask)
            terms["label_mix"] = self.label_mix_weight * mix
        return terms

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """The adversarial terms on photos and maps that training never saw: they show who overfits."""
        with sampling_generator(self.trainer) as generator:
            fake = generator(batch.condition, fixed_noise(generator, batch.condition, seed=batch_idx))
        fake_logits = self.discriminator(fake)
        terms = {
            "val/generator_adversarial": self.adversarial.real(fake_logits, batch.label),
            "val/discriminator_real": self.adversarial.real(self.discriminator(batch.image), batch.label),
            "val/discriminator_fake": self.adversarial.fake(fake_logits),
        }
        self.log_dict({**terms, **self.log_step()}, batch_size=len(batch), sync_dist=True)

    def configure_optimizers(self) -> list[Optimizer]:
        """Generator's first, discriminator's second."""
        return [
            self._generator_optimizer(self.generator.parameters()),
            self._discriminator_optimizer(self.discriminator.parameters()),
        ]

    def check_size(self, height: int, width: int) -> None:
        """Refuse a picture size that the networks cannot halve often enough.

        Raises:
            ConfigurationError: with the sizes nearby that work.
        """
        divisor = max(self.generator.size_divisor, self.discriminator.size_divisor)
        if height % divisor or width % divisor:
            fitting = [max(divisor, round(size / divisor) * divisor) for size in (height, width)]
            raise ConfigurationError(
                f"data.height={height} data.width={width}: the networks halve a picture until it is {divisor} times "
                f"smaller, so both must be multiples of {divisor}. Nearest: data.height={fitting[0]} "
                f"data.width={fitting[1]}."
            )

    def _step(self, optimizer: LightningOptimizer, loss: Callable[[Batch], LossTerms], batch: Batch) -> LossTerms:
        with self.toggled_optimizer(optimizer):  # spares the other network's weight gradients
            terms = loss(batch)
            optimizer.zero_grad()
            self.manual_backward(torch.stack(list(terms.values())).sum())
            optimizer.step()
        return {name: term.detach() for name, term in terms.items()}


def _named(network: str, terms: LossTerms) -> LossTerms:
    return {f"{network}/{name}": term for name, term in terms.items()}
