"""The terms that compare photos and fakes instance by instance."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from oasis.batch import Batch
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.losses import (
    InstancesOf,
    RolledView,
    instance_contrast_loss,
    instance_fake_loss,
    instance_real_loss,
    rolled_view,
)
from oasis.objectives.base import LossTerms, Step
from oasis.randomness import Stream

Heads = Mapping[str, Tensor]
SCORE, EMBEDDING = "instance_score", "instance_embedding"
# As the other terms of instances, a few tenths at the start, beside an adversarial loss of about 3.5.
_USUAL = {SCORE: 0.5, EMBEDDING: 0.2}
_SETTING = {SCORE: "instance_adversarial", EMBEDDING: "instance_contrast"}  # and the discriminator with that head


class IndividualTerms(nn.Module):
    """Real or fake for each instance, and the contrast of instances with their neighbours of the same class.

    A discriminator's embeddings learn from photos alone, by finding each instance of a photo in the same photo rolled:
    learning from fakes, it would help the generator to be understood. The generator pays for instances that are not
    found in the photo, where the embeddings of the photo are no target for the discriminator.

    Args:
        label_space: defines the thing classes.
        adversarial_weight: of `instance_real_loss` and `instance_fake_loss`; 0 = off; None = 0.5 if the discriminator
            has a head `instance_score`, else off.
        contrast_weight: of `instance_contrast_loss`; 0 = off; None = 0.2 if the discriminator has a head
            `instance_embedding`, else off.
        temperature: of the contrast.

    Raises:
        ConfigurationError: a weight below 0; a temperature that is not above 0.

    Source: van den Oord et al. 2018; that the discriminator's contrast is of real pictures only: Kang and Park 2020
    (ContraGAN), section 3, and Jeong and Shin 2021 (ContraD), section 3.1.
    """

    def __init__(
        self,
        label_space: LabelSpace,
        adversarial_weight: float | None = None,
        contrast_weight: float | None = None,
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        self.given = {SCORE: adversarial_weight, EMBEDDING: contrast_weight}
        for head, weight in self.given.items():
            if weight is not None and not weight >= 0:
                raise ConfigurationError(
                    f"objective.{_SETTING[head]}_weight={weight}: must be 0 (off) or above, or null for the usual "
                    f"weight with discriminator={_SETTING[head]}"
                )
        if not temperature > 0:
            raise ConfigurationError(f"objective.instance_contrast_temperature={temperature}: must be above 0, as 0.1")
        self.temperature = temperature
        self.instances_of = InstancesOf(label_space)

    def require_heads(self, discriminator: nn.Module) -> None:
        """Refuse a given weight without its head, and a head without things; see `Objective.require_heads`."""
        for head, weight in self.given.items():
            if weight and head not in heads_of(discriminator):
                raise ConfigurationError(
                    f"objective.{_SETTING[head]}_weight={weight}: {type(discriminator).__name__} has no head {head!r}. "
                    f"Use discriminator={_SETTING[head]}, or leave the weight out."
                )
        if self.needs_instances(discriminator) and not bool(self.instances_of.things.any()):
            raise ConfigurationError(
                f"{type(discriminator).__name__} has heads for instances, but no class of this label space has any "
                "(thing: true). Use discriminator=oasis, or a label space with things."
            )

    def needs_instances(self, discriminator: nn.Module) -> bool:
        """Whether any term is on with this discriminator."""
        return any(head in heads_of(discriminator) and self.weight(head) > 0 for head in self.given)

    def weight(self, head: str) -> float:
        """The weight of a head's term, if the discriminator has the head."""
        weight = self.given[head]
        return _USUAL[head] if weight is None else weight

    def photo_heads(self, step: Step) -> Heads:
        """The heads' outputs for the photos, as targets of the generator; none if no term needs them.

        Before the fakes pass the discriminator: a compiled one keeps the singular vectors of its last pass only.
        """
        if not self._contrasts(step.discriminator):
            return {}
        with torch.no_grad():
            heads: Heads = step.discriminate(step.batch.image).heads
        return heads

    def generator_terms(self, on_fake: Heads, on_photo: Heads, batch: Batch) -> LossTerms:
        """What the generator pays.

        Args:
            on_fake: the discriminator's heads for the fakes, each (B, its channels, H, W).
            on_photo: from `photo_heads`.
            batch: the maps.
        """
        terms: LossTerms = {}
        if not (self._pays(SCORE, on_fake) or self._pays(EMBEDDING, on_photo)):
            return terms
        table = self.instances_of(batch.label, batch.instance)
        if self._pays(SCORE, on_fake):
            terms["instance_adversarial"] = self.weight(SCORE) * instance_real_loss(on_fake[SCORE], table)
        if self._pays(EMBEDDING, on_photo):
            terms["instance_contrast"] = self.weight(EMBEDDING) * instance_contrast_loss(
                on_fake[EMBEDDING], table.number, on_photo[EMBEDDING], table, self.temperature
            )
        return terms

    def view(self, step: Step) -> RolledView | None:
        """The photos rolled, which the discriminator has to see beside the photos; None if no term needs them."""
        if not self._contrasts(step.discriminator):
            return None
        number = self.instances_of(step.batch.label, step.batch.instance).number
        return rolled_view(step.batch.image, number, step.random_sources(Stream.ROLLED_VIEW))

    def discriminator_terms(
        self, on_photo: Heads, on_fake: Heads, on_view: Heads, view: RolledView | None, batch: Batch
    ) -> LossTerms:
        """What the discriminator pays.

        Args:
            on_photo: its heads for the photos.
            on_fake: for the fakes.
            on_view: for the rolled photos; empty without `view`.
            view: from `view`.
            batch: the maps.
        """
        terms: LossTerms = {}
        if view is None and not self._pays(SCORE, on_photo):
            return terms
        table = self.instances_of(batch.label, batch.instance)
        if self._pays(SCORE, on_photo):
            terms["instance_real"] = self.weight(SCORE) * instance_real_loss(on_photo[SCORE], table)
            terms["instance_fake"] = self.weight(SCORE) * instance_fake_loss(on_fake[SCORE], table)
        if view is not None:
            terms["instance_contrast"] = self.weight(EMBEDDING) * instance_contrast_loss(
                on_view[EMBEDDING], view.number, on_photo[EMBEDDING], table, self.temperature
            )
        return terms

    def _pays(self, head: str, heads: Heads) -> bool:
        return head in heads and self.weight(head) > 0

    def _contrasts(self, discriminator: nn.Module) -> bool:
        return EMBEDDING in heads_of(discriminator) and self.weight(EMBEDDING) > 0


def heads_of(discriminator: nn.Module) -> tuple[str, ...]:
    """The names of a discriminator's further heads, see `OASISDiscriminator`; none if it has no such attribute."""
    heads = getattr(discriminator, "heads", None)
    return tuple(heads) if isinstance(heads, nn.ModuleDict) else ()
