"""The objective of OASIS."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from oasis.batch import Batch
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.losses import InstanceLoss, Mix, MixClasses, NPlusOneLoss, label_mix, label_mix_loss
from oasis.models import DiscriminatorOutput, SegmentingDiscriminator
from oasis.models.initialization import iterate_norms
from oasis.objectives.base import LossTerms, Objective, Step
from oasis.objectives.perceptual import PerceptualTerm
from oasis.randomness import Stream


class OASISObjective(Objective):
    """The (N+1)-class cross-entropy, LabelMix, and optional perceptual and instance terms.

    The discriminator must return a `DiscriminatorOutput`, such as every `SegmentingDiscriminator` does.
    Source: Sushko et al. 2021, "You Only Need Adversarial Supervision for Semantic Image Synthesis".

    Args:
        label_space: the classes, and the ignored one.
        balance_classes: weigh each class by the inverse of its frequency in the batch (equation 2).
        label_mix: draws the masks of LabelMix; None = `MixClasses`.
        label_mix_weight: of the LabelMix consistency term (section 3.1); 0 switches it off.
        instance_loss: the losses of the discriminator's instance heads, if it has any; None = no such losses.
        perceptual_weight: of the VGG-19 perceptual term on the generator; 0 switches it off.
        perceptual_weights_file: VGG-19 weights, see `PerceptualTerm`.
        perceptual_required: see `PerceptualTerm`.
        joint_pass: whether real, fake and mixed pictures pass the discriminator in one batch.

    Raises:
        ConfigurationError: a weight below 0; an invalid label_mix, such as a string.
    """

    def __init__(
        self,
        label_space: LabelSpace,
        balance_classes: bool = True,
        label_mix: Mix | None = None,
        label_mix_weight: float = 5.0,
        instance_loss: InstanceLoss | None = None,
        perceptual_weight: float = 0.0,
        perceptual_weights_file: str | None = None,
        perceptual_required: bool = True,
        joint_pass: bool = False,
    ) -> None:
        super().__init__()
        if label_mix_weight < 0:
            raise ConfigurationError(f"objective.label_mix_weight={label_mix_weight}: must be 0 (off) or above.")
        if label_mix is not None and not callable(label_mix):
            raise ConfigurationError(
                f"objective.label_mix={label_mix}: this is a group of settings, chosen with a slash: "
                f"objective/label_mix=class or objective/label_mix=segment"
            )
        self.num_classes = label_space.num_classes
        self.adversarial = NPlusOneLoss(label_space.num_classes, label_space.ignore_index, balance=balance_classes)
        self.mix = MixClasses() if label_mix is None else label_mix
        self.label_mix_weight = label_mix_weight
        self.instance_loss = instance_loss
        self.perceptual = PerceptualTerm(perceptual_weight, perceptual_weights_file, perceptual_required)
        self.joint_pass = joint_pass

    def generator_loss(self, step: Step) -> LossTerms:
        """Penalises fakes whose pixels are not classified as real ones of their class."""
        batch, fake = step.batch, step.generate()
        output: DiscriminatorOutput = step.discriminate(fake)
        return {
            "adversarial": self.adversarial.real(output.logits, batch.label),
            **self.instance_terms(output, batch),
            **self.perceptual(fake, batch.image),
        }

    def discriminator_loss(self, step: Step) -> LossTerms:
        """Penalises misclassified real pixels, undetected fake ones, and inconsistency under LabelMix."""
        batch, fake = step.batch, step.generate()
        images = [batch.image, fake]
        if self.label_mix_weight > 0:
            mask = self.mix(batch.label, batch.instance, self.num_classes, step.random_sources(Stream.LABEL_MIX))
            images.append(label_mix(batch.image, fake, mask))
        on_real, on_fake, *on_mixed = self._discriminate_all(step, images)
        terms = {
            "real": self.adversarial.real(on_real.logits, batch.label),
            "fake": self.adversarial.fake(on_fake.logits),
            **self.instance_terms(on_real, batch),
        }
        for mixed in on_mixed:
            consistency = label_mix_loss(mixed.logits, on_real.logits, on_fake.logits, mask)
            terms["label_mix"] = self.label_mix_weight * consistency
        return terms

    def validation_loss(self, step: Step) -> LossTerms:
        """The adversarial terms on validation samples: they show which network overfits."""
        on_fake, on_real = (step.discriminate(image).logits for image in (step.generate(), step.batch.image))
        return {
            "generator_adversarial": self.adversarial.real(on_fake, step.batch.label),
            "discriminator_real": self.adversarial.real(on_real, step.batch.label),
            "discriminator_fake": self.adversarial.fake(on_fake),
        }

    @property
    def validation_names(self) -> tuple[str, ...]:
        """See `validation_loss`."""
        return ("generator_adversarial", "discriminator_real", "discriminator_fake")

    def instance_terms(self, output: DiscriminatorOutput, batch: Batch) -> LossTerms:
        """The instance losses of a photo, or of a fake of the same maps."""
        if self.instance_loss is None:
            return {}
        terms: LossTerms = self.instance_loss(output.heads, batch.label, batch.instance)
        return terms

    def needs_instances(self, discriminator: nn.Module) -> bool:
        """True if LabelMix mixes segments, or the discriminator has instance heads with a loss."""
        mixes = self.label_mix_weight > 0 and self.mix.needs_instances
        heads = cast(SegmentingDiscriminator, discriminator).heads if self.instance_loss is not None else ()
        return mixes or len(heads) > 0

    @property
    def single_pass(self) -> bool:
        """True with `joint_pass`."""
        return self.joint_pass

    def _discriminate_all(self, step: Step, images: Sequence[Tensor]) -> list[DiscriminatorOutput]:
        """The discriminator's outputs for several batches of pictures.

        Three passes make three power iterations of the spectral norms, and each uses another estimate. One joint pass
        makes as many, the others beforehand, and all pictures use the last.
        """
        if not self.joint_pass:
            return [step.discriminate(image) for image in images]
        for _ in images[1:]:
            iterate_norms(step.discriminator)
        joined: DiscriminatorOutput = step.discriminate(torch.cat(list(images)))
        return joined.chunk(len(images))
