"""OASIS as a LightningModule: one generator step, one discriminator step a batch."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor

from oasis.batch import Batch
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.losses import InstanceLoss, Mix, MixClasses, NPlusOneLoss, VGGPerceptualLoss, label_mix, label_mix_loss
from oasis.models import DiscriminatorOutput, OASISDiscriminator, OASISGenerator
from oasis.models.initialization import iterate_norms
from oasis.randomness import Stream
from oasis.training.base import GANModule, LossTerms, OptimizerFactory, data_of, mean_of_samples, on_host
from oasis.training.compilation import Compiled
from oasis.training.recomputation import recompute_blocks
from oasis.training.requirements import refuse_missing_instances, refuse_unfit_precision
from oasis.training.sampling import fixed_noise, sampling_generator, sources_of, training_noise


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
        balance_classes: weigh each class by the inverse of its frequency in the batch (equation 2).
        label_mix: how LabelMix tosses its coins; None for `MixClasses`.
        label_mix_weight: of the LabelMix consistency term (section 3.1); 0 switches it off.
        instance_loss: what both networks pay for the discriminator's instance heads, if it has any; None for nothing.
        perceptual_weight: of the VGG-19 perceptual term on the generator; 0 switches it off.
        perceptual_weights_file: VGG-19 weights, see `VGGPerceptualLoss`.
        seed: of noise and LabelMix coins.
        joint_pass: let real, fake and mixed pictures pass the discriminator together.
        channels_last: lay the networks' weights and activations out as devices with matrix units want them.
        compile: compile both networks with `torch.compile` at their first batch.
        recompute: keep the activations of no block for the backward pass, see `oasis.training.recomputation`.

    Raises:
        ConfigurationError: a label_mix that is none, such as its mere name.
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
        label_mix: Mix | None = None,
        label_mix_weight: float = 5.0,
        instance_loss: InstanceLoss | None = None,
        perceptual_weight: float = 0.0,
        perceptual_weights_file: str | None = None,
        seed: int = 0,
        joint_pass: bool = False,
        channels_last: bool = False,
        compile: bool = False,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        for name, weight in (("label_mix_weight", label_mix_weight), ("perceptual_weight", perceptual_weight)):
            if weight < 0:
                raise ConfigurationError(f"model.{name}={weight}: must be 0 (off) or above.")
        self.label_space = label_space
        self.generator = generator(condition_channels=condition_channels)
        self.discriminator = discriminator(num_classes=label_space.num_classes)
        self.adversarial = NPlusOneLoss(label_space.num_classes, label_space.ignore_index, balance=balance_classes)
        if label_mix is not None and not callable(label_mix):
            raise ConfigurationError(
                f"model.label_mix={label_mix}: this is a group of settings, chosen with a slash: "
                f"model/label_mix=class or model/label_mix=segment"
            )
        self.mix = MixClasses() if label_mix is None else label_mix
        self.label_mix_weight = label_mix_weight
        self.instance_loss = instance_loss
        self.perceptual_weight = perceptual_weight
        self.perceptual = VGGPerceptualLoss(perceptual_weights_file) if perceptual_weight > 0 else None
        self.seed = seed
        self._prepare(joint_pass, channels_last, compile, recompute)
        self.optimizer_factories = (generator_optimizer, discriminator_optimizer)

    def _prepare(self, joint_pass: bool, channels_last: bool, compiled: bool, recompute: bool) -> None:
        if compiled and not joint_pass:
            raise ConfigurationError(
                "model.compile=true with model.joint_pass=false: a compiled discriminator keeps the singular vectors "
                "of one pass for its gradient, and the next pass would overwrite them. Use model.joint_pass=true."
            )
        if compiled and recompute:
            raise ConfigurationError(
                "model.compile=true with model.recompute=true: a compiled network chooses by itself what to compute "
                "again. Use one of the two."
            )
        self.joint_pass = joint_pass
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        if channels_last:
            self.generator.to(memory_format=torch.channels_last)
            self.discriminator.to(memory_format=torch.channels_last)
        if recompute:
            recompute_blocks([*self.generator.blocks, *self.discriminator.down, *self.discriminator.up])
        # Called in training alone; methods and objects, so that no network is registered twice.
        self._paint = Compiled(self.generator, "generator") if compiled else self.generator.__call__
        self._discriminate = (
            Compiled(self.discriminator.discriminate, "discriminator") if compiled else self.discriminator.discriminate
        )

    def setup(self, stage: str) -> None:
        """Refuse precisions that do not do, and a dataset without instance maps where a loss term learns from them.

        Raises:
            ConfigurationError: with the precision; or with the first sample that has none, and the settings that do
                without.
        """
        refuse_unfit_precision(self.trainer)
        mixes_instances = self.label_mix_weight > 0 and self.mix.needs_instances
        sees_instances = self.instance_loss is not None and len(self.discriminator.heads) > 0
        if mixes_instances or sees_instances:
            refuse_missing_instances(data_of(self.trainer).dataset("train"))

    def training_step(self, batch: Batch, batch_idx: int) -> LossTerms:
        """Generator step, then discriminator step on fresh fakes; returns all loss terms, detached."""
        batch = replace(batch, condition=batch.condition.contiguous(memory_format=self._layout))
        generator_optimizer, discriminator_optimizer = cast(list[LightningOptimizer], self.optimizers())
        terms = {
            **_named("generator", self.optimize(generator_optimizer, self.generator_loss, batch)),
            **_named("discriminator", self.optimize(discriminator_optimizer, self.discriminator_loss, batch)),
        }
        self.batches_seen += 1
        self.images_seen += len(batch) * self.trainer.world_size
        self.log_dict({**terms, **on_host(self.log_step())}, batch_size=len(batch))
        return terms

    def generator_loss(self, batch: Batch) -> LossTerms:
        """What the generator pays for fakes whose pixels are not taken for real ones of their class."""
        fake = self._paint(batch.condition, training_noise(self.generator, batch, self.seed, Stream.GENERATOR_NOISE))
        output = self._discriminate(fake)
        terms = {
            "adversarial": self.adversarial.real(output.logits, batch.label),
            **self.instance_terms(output, batch),
        }
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual_weight * self.perceptual(fake, batch.image)
        return terms

    def discriminator_loss(self, batch: Batch) -> LossTerms:
        """What the discriminator pays for real pixels of a wrong class, fake ones unnoticed, and inconsistency."""
        with torch.no_grad():
            noise = training_noise(self.generator, batch, self.seed, Stream.DISCRIMINATOR_NOISE)
            fake = self._paint(batch.condition, noise)
        pictures = [batch.image, fake]
        if self.label_mix_weight > 0:
            coins = sources_of(batch, self.seed, Stream.LABEL_MIX)
            mask = self.mix(batch.label, batch.instance, self.label_space.num_classes, coins)
            pictures.append(label_mix(batch.image, fake, mask))
        real, unreal, *mixed = self.discriminate_all(pictures)
        terms = {
            "real": self.adversarial.real(real.logits, batch.label),
            "fake": self.adversarial.fake(unreal.logits),
            **self.instance_terms(real, batch),
        }
        for mix in mixed:
            terms["label_mix"] = self.label_mix_weight * label_mix_loss(mix.logits, real.logits, unreal.logits, mask)
        return terms

    def discriminate_all(self, pictures: list[Tensor]) -> list[DiscriminatorOutput]:
        """What the discriminator says of several batches of pictures: each (B, 3, H, W) float in [-1, 1].

        Three passes make three power iterations of the spectral norms, and each is judged by another estimate. One pass
        makes as many, the others beforehand, and segmenters all by the last.
        """
        if not self.joint_pass:
            return [self._discriminate(batch) for batch in pictures]
        for _ in pictures[1:]:
            iterate_norms(self.discriminator)
        return self._discriminate(torch.cat(pictures)).chunk(len(pictures))

    def instance_terms(self, output: DiscriminatorOutput, batch: Batch) -> LossTerms:
        """What is paid for instances misplaced or mistaken in a photo, or in a fake of the same maps."""
        if self.instance_loss is None:
            return {}
        terms: LossTerms = self.instance_loss(output.heads, batch.label, batch.instance)
        return terms

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The adversarial terms on photos and maps that training never saw: they show who overfits.

        Returns:
            The fakes, (B, 3, H, W) in [-1, 1], for callbacks to measure.
        """
        with sampling_generator(self.trainer) as generator:
            fake: Tensor = generator(batch.condition, fixed_noise(generator, batch.index, seed=0))
        counted = int(batch.counted.sum())  # they come first
        on_fake, on_real = (self.discriminator(pictures)[:counted] for pictures in (fake, batch.image))
        terms = {
            "val/generator_adversarial": self.adversarial.real(on_fake, batch.label[:counted]),
            "val/discriminator_real": self.adversarial.real(on_real, batch.label[:counted]),
            "val/discriminator_fake": self.adversarial.fake(on_fake),
        }
        terms, total = mean_of_samples(terms, counted)
        self.log_dict({**terms, **self.log_step()}, batch_size=total, sync_dist=True)
        return fake

    def check_size(self, height: int, width: int) -> None:
        """Refuse a picture size that the networks cannot halve often enough.

        Raises:
            ConfigurationError: with the sizes nearby that work.
        """
        divisor = max(self.generator.size_divisor, self.discriminator.size_divisor)
        if height % divisor or width % divisor or min(height, width) < divisor:
            fitting = [max(divisor, round(size / divisor) * divisor) for size in (height, width)]
            raise ConfigurationError(
                f"data.height={height} data.width={width}: the networks halve a picture until it is {divisor} times "
                f"smaller, so both must be multiples of {divisor}. Nearest: data.height={fitting[0]} "
                f"data.width={fitting[1]}."
            )


def _named(network: str, terms: LossTerms) -> LossTerms:
    return {f"{network}/{name}": term for name, term in terms.items()}
