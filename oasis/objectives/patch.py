"""What the objectives of SPADE and pix2pixHD share."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.losses import feature_matching_loss, style_divergence
from oasis.models import PatchOutput
from oasis.objectives.base import ADVERSARIAL, LossTerms, Objective, Step
from oasis.objectives.perceptual import PerceptualTerm


class PatchObjective(Objective):
    """An adversarial loss of scores, feature matching, and optional terms of perception and style.

    The discriminator must return a `PatchOutput`, such as `PatchDiscriminator` does. Fakes and photos pass it in one
    batch.

    Args:
        feature_matching_weight: of the distance of the discriminator's features; 0 switches it off.
        perceptual_weight: of the VGG-19 perceptual term on the generator; 0 switches it off. Published with 10.
        perceptual_weights_file: VGG-19 weights, see `PerceptualTerm`.
        perceptual_required: see `PerceptualTerm`.
        style_weight: of the divergence of styles from the standard normal distribution, for a generator with a style
            encoder; 0 switches it off.

    Raises:
        ConfigurationError: a weight below 0.
    """

    def __init__(
        self,
        feature_matching_weight: float = 10.0,
        perceptual_weight: float = 0.0,
        perceptual_weights_file: str | None = None,
        perceptual_required: bool = False,
        style_weight: float = 0.05,
    ) -> None:
        super().__init__()
        for name, weight in (
            ("feature_matching_weight", feature_matching_weight),
            ("style_weight", style_weight),
        ):
            if weight < 0:
                raise ConfigurationError(f"objective.{name}={weight}: must be 0 (off) or above.")
        self.feature_matching_weight = feature_matching_weight
        self.style_weight = style_weight
        self.perceptual = PerceptualTerm(perceptual_weight, perceptual_weights_file, perceptual_required)

    @abstractmethod
    def adversarial(self, fake: Sequence[Tensor]) -> Tensor:
        """The generator's loss of its fakes' scores, one tensor per scale: a scalar."""

    @abstractmethod
    def fake(self, scores: Sequence[Tensor]) -> Tensor:
        """The discriminator's loss of fakes: a scalar."""

    @abstractmethod
    def real(self, scores: Sequence[Tensor]) -> Tensor:
        """The discriminator's loss of photos: a scalar."""

    def generator_loss(self, step: Step) -> LossTerms:
        """Penalises fakes with low scores, and with other features than the photos."""
        fake = step.generate()
        on_fake, on_real = self._discriminate_both(step, fake)
        terms = {"adversarial": self.adversarial(on_fake.scores)}
        if self.feature_matching_weight > 0:
            distance = feature_matching_loss(on_fake.features, on_real.features)
            terms["feature_matching"] = self.feature_matching_weight * distance
        style = step.style
        if self.style_weight > 0 and style is not None and style.log_variance is not None:
            terms["style"] = self.style_weight * style_divergence(style.mean, style.log_variance)
        return {**terms, **self.perceptual(fake, step.batch.image)}

    def discriminator_loss(self, step: Step) -> LossTerms:
        """Penalises high scores of fakes and low scores of photos."""
        on_fake, on_real = self._discriminate_both(step, step.generate())
        return {"real": self.real(on_real.scores), "fake": self.fake(on_fake.scores)}

    def validation_loss(self, step: Step) -> LossTerms:
        """The adversarial terms on validation samples: they show which network overfits."""
        on_fake, on_real = self._discriminate_both(step, step.generate())
        return {
            "generator_adversarial": self.adversarial(on_fake.scores),
            "discriminator_real": self.real(on_real.scores),
            "discriminator_fake": self.fake(on_fake.scores),
        }

    @property
    def validation_names(self) -> tuple[str, ...]:
        """See `validation_loss`."""
        return ADVERSARIAL

    def discriminator_inputs(self, image: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """The pictures, and the condition of each."""
        return image, torch.cat([condition] * (len(image) // len(condition)))  # keeps the memory format

    @property
    def single_pass(self) -> bool:
        """True: see `discriminator_loss`."""
        return True

    def _discriminate_both(self, step: Step, fake: Tensor) -> list[PatchOutput]:
        """The discriminator's outputs for fakes and for the photos."""
        both: PatchOutput = step.discriminate(torch.cat([fake, step.batch.image]))
        return both.chunk(2)
