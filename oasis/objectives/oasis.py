"""The objective of OASIS."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from oasis.batch import Batch
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.losses import (
    BoundaryClasses,
    ClassCounts,
    InstanceLoss,
    LabelCounts,
    Mix,
    MixClasses,
    NPlusOneLoss,
    label_mix,
    label_mix_loss,
)
from oasis.models import DiscriminatorOutput
from oasis.models.spectral_norm import iterate_norms
from oasis.objectives.base import ADVERSARIAL, LossTerms, Objective, Step
from oasis.objectives.individuals import IndividualTerms, heads_of
from oasis.objectives.perceptual import PerceptualTerm
from oasis.randomness import Stream


class OASISObjective(Objective):
    """The (N+1)-class cross-entropy, LabelMix, and optional perceptual and instance terms.

    The discriminator must return a `DiscriminatorOutput`, such as every `SegmentingDiscriminator` does. If its logits
    have boundary classes (see `InstanceDiscriminator`), they are classes of the cross-entropy like all others.
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
        instance_adversarial_weight: of the head that says of each instance whether it is real; see `IndividualTerms`.
        instance_contrast_weight: of telling instances of one class apart; see `IndividualTerms`.
        instance_contrast_temperature: of the contrast.
        weights_from: counts what there is of each class, to balance them; None = `LabelCounts`.

    Raises:
        ConfigurationError: a weight below 0; an invalid temperature; an invalid label_mix or weights_from, such as a
            string; weights from the encoded map without balanced classes.
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
        instance_adversarial_weight: float | None = None,
        instance_contrast_weight: float | None = None,
        instance_contrast_temperature: float = 0.1,
        weights_from: ClassCounts | None = None,
    ) -> None:
        super().__init__()
        if label_mix_weight < 0:
            raise ConfigurationError(f"objective.label_mix_weight={label_mix_weight}: must be 0 (off) or above.")
        _require_chosen("label_mix", label_mix, "class", "segment")
        _require_chosen("weights_from", weights_from, "label", "encoded_map")
        self.weights_from = LabelCounts() if weights_from is None else weights_from
        if self.weights_from.reads_condition and not balance_classes:
            raise ConfigurationError(
                "objective/weights_from=encoded_map has no effect with objective.balance_classes=false, where all "
                "pixels weigh the same. Leave out one of the two."
            )
        self.num_classes = label_space.num_classes
        self.adversarial = NPlusOneLoss(label_space.num_classes, label_space.ignore_index, balance=balance_classes)
        self.boundary_classes = BoundaryClasses(label_space)
        self.with_boundaries = NPlusOneLoss(
            self.boundary_classes.num_classes, label_space.ignore_index, balance=balance_classes
        )
        self.individuals = IndividualTerms(
            label_space, instance_adversarial_weight, instance_contrast_weight, instance_contrast_temperature
        )
        self.mix = MixClasses() if label_mix is None else label_mix
        self.label_mix_weight = label_mix_weight
        self.instance_loss = instance_loss
        self.perceptual = PerceptualTerm(perceptual_weight, perceptual_weights_file, perceptual_required)
        self.joint_pass = joint_pass

    def generator_loss(self, step: Step) -> LossTerms:
        """Penalises fakes whose pixels are not classified as real ones of their class."""
        batch, fake = step.batch, step.generate()
        on_photo = self.individuals.photo_heads(step)
        output: DiscriminatorOutput = step.discriminate(fake)
        return {
            "adversarial": self.real(output.logits, batch),
            **self.instance_terms(output, batch),
            **self.individuals.generator_terms(output.heads, on_photo, batch),
            **self.perceptual(fake, batch.image),
        }

    def discriminator_loss(self, step: Step) -> LossTerms:
        """Penalises misclassified real pixels, undetected fake ones, and inconsistency under LabelMix."""
        batch, fake = step.batch, step.generate()
        images = [batch.image, fake]
        if self.label_mix_weight > 0:
            mask = self.mix(batch.label, batch.instance, self.num_classes, step.random_sources(Stream.LABEL_MIX))
            images.append(label_mix(batch.image, fake, mask))
        view = self.individuals.view(step)
        outputs = self._discriminate_all(step, images if view is None else [*images, view.image])
        on_real, on_fake = outputs[:2]
        on_view = {} if view is None else outputs[-1].heads
        terms = {
            "real": self.real(on_real.logits, batch),
            "fake": self.adversarial.fake(on_fake.logits),
            **self.instance_terms(on_real, batch),
            **self.individuals.discriminator_terms(on_real.heads, on_fake.heads, on_view, view, batch),
        }
        if self.label_mix_weight > 0:
            consistency = label_mix_loss(outputs[2].logits, on_real.logits, on_fake.logits, mask)
            terms["label_mix"] = self.label_mix_weight * consistency
        return terms

    def validation_loss(self, step: Step) -> LossTerms:
        """The adversarial terms on validation samples: they show which network overfits."""
        on_fake, on_real = (step.discriminate(image).logits for image in (step.generate(), step.batch.image))
        return {
            "generator_adversarial": self.real(on_fake, step.batch),
            "discriminator_real": self.real(on_real, step.batch),
            "discriminator_fake": self.adversarial.fake(on_fake),
        }

    @property
    def validation_names(self) -> tuple[str, ...]:
        """See `validation_loss`."""
        return ADVERSARIAL

    def real(self, logits: Tensor, batch: Batch) -> Tensor:
        """The cross-entropy with the pixels' classes, with boundary classes if the logits have outputs for them.

        Args:
            logits: (B, N + 1, H, W), or (B, N + 1 + T, H, W) with the T boundary classes.
            batch: the maps.

        Raises:
            ConfigurationError: another number of logits.
        """
        outputs = logits.shape[1]
        if outputs == self.num_classes + 1:
            counts = self.weights_from(batch.label, batch.condition, self.num_classes)
            return self.adversarial.real(logits, batch.label, counts)
        if outputs != self.boundary_classes.num_classes + 1:
            raise ConfigurationError(
                f"The discriminator has {outputs} outputs for each pixel; objective=oasis has fake and "
                f"{self.num_classes} classes, {self.num_classes + 1}, or with the boundaries of all things "
                f"{self.boundary_classes.num_classes + 1}."
            )
        return self.with_boundaries.real(logits, self.boundary_classes(batch.label, batch.instance))

    def instance_terms(self, output: DiscriminatorOutput, batch: Batch) -> LossTerms:
        """The instance losses of a photo, or of a fake of the same maps."""
        if self.instance_loss is None:
            return {}
        terms: LossTerms = self.instance_loss(output.heads, batch.label, batch.instance)
        return terms

    def needs_instances(self, discriminator: nn.Module) -> bool:
        """True if LabelMix mixes segments, or the discriminator has outputs of instances with a loss."""
        mixes = self.label_mix_weight > 0 and self.mix.needs_instances
        heads = self.instance_loss is not None and not {*heads_of(discriminator)}.isdisjoint(self.instance_loss.weights)
        return mixes or heads or _has_boundaries(discriminator) or self.individuals.needs_instances(discriminator)

    def require_heads(self, discriminator: nn.Module) -> None:
        """Refuse boundary classes with weights from the encoded map; else see `IndividualTerms`."""
        if self.weights_from.reads_condition and _has_boundaries(discriminator):
            raise ConfigurationError(
                "objective/weights_from=encoded_map: the encoded map has no channels for boundary classes, so that "
                "nothing is known of their weights. Use objective/weights_from=label or discriminator=oasis."
            )
        self.individuals.require_heads(discriminator)

    @property
    def needs_class_masks(self) -> bool:
        """True with class weights from the encoded map."""
        return self.weights_from.reads_condition

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
        iterate_norms(step.discriminator, times=len(images) - 1)
        joined: DiscriminatorOutput = step.discriminate(torch.cat(list(images)))
        return joined.chunk(len(images))


def _require_chosen(group: str, chosen: object, *options: str) -> None:
    if chosen is not None and not callable(chosen):
        choices = " or ".join(f"objective/{group}={option}" for option in options)
        raise ConfigurationError(
            f"objective.{group}={chosen}: this is a group of settings, chosen with a slash: {choices}"
        )


def _has_boundaries(discriminator: nn.Module) -> bool:
    return getattr(discriminator, "num_boundary_classes", 0) > 0
