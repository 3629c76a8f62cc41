"""The base class of objectives."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from oasis.batch import Batch
from oasis.models import Style
from oasis.randomness import Stream

LossTerms = dict[str, Tensor]
"""Name -> scalar; the loss is their sum."""

ADVERSARIAL = ("generator_adversarial", "discriminator_real", "discriminator_fake")
"""The validation terms of an objective whose two networks have one adversarial loss each."""


class Step(Protocol):
    """The input of an objective: one batch and the two networks, which may be compiled or distributed.

    Attributes:
        batch: the photos and label maps.
        discriminator: the network itself.
        style: the styles of the photos, from which `generate` makes its fakes; None in the discriminator's step, and
            for a generator without a style encoder.
    """

    @property
    def batch(self) -> Batch: ...  # noqa: D102

    @property
    def discriminator(self) -> nn.Module: ...  # noqa: D102

    @property
    def style(self) -> Style | None: ...  # noqa: D102

    def generate(self) -> Tensor:
        """Fakes for the batch, (B, 3, H, W) in [-1, 1]; with gradients in the generator's step only."""

    def discriminate(self, image: Tensor) -> Any:
        """The discriminator's output for (B, 3, H, W) pictures in [-1, 1]."""

    def random_sources(self, stream: Stream) -> list[torch.Generator] | None:
        """One random generator per image, the same in any batch and process; None = torch's global state."""


class Objective(nn.Module, ABC):
    """The loss terms of both networks.

    Terms include their weights: they are summed and logged as they are. Each is a scalar with a gradient for the
    network of the step. An objective may have networks and buffers; the training module moves them to the device, but
    neither trains nor averages them.
    """

    @abstractmethod
    def generator_loss(self, step: Step) -> LossTerms:
        """The terms of the generator, by name; logged as `generator/NAME`."""

    @abstractmethod
    def discriminator_loss(self, step: Step) -> LossTerms:
        """The terms of the discriminator, by name; logged as `discriminator/NAME`."""

    def validation_loss(self, step: Step) -> LossTerms:
        """Terms on validation samples, by name; logged as `val/NAME`. None by default."""
        return {}

    def discriminator_inputs(self, image: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """The arguments of the discriminator's `forward`; by default the pictures only.

        Args:
            image: (B, 3, H, W) float in [-1, 1]; B may be a multiple of the condition's if batches are concatenated.
            condition: (B, K, H, W) float, the encoded label map.
        """
        return (image,)

    def require_heads(self, discriminator: nn.Module) -> None:
        """Refuse a discriminator that lacks an output which a term needs; called when both are built.

        Raises:
            ConfigurationError: the message names the setting, and a discriminator that has the output.
        """

    def needs_instances(self, discriminator: nn.Module) -> bool:
        """Whether a term uses instance maps, so that a dataset without them is refused."""
        return False

    @property
    def needs_class_masks(self) -> bool:
        """Whether a term reads the classes' channels of the encoded map; encodings that mix these are then refused."""
        return False

    @property
    def validation_names(self) -> tuple[str, ...]:
        """The names of `validation_loss`, which a run may monitor; empty if they are not known in advance."""
        return ()

    @property
    def single_pass(self) -> bool:
        """Whether the discriminator's step calls it once, which `model.compile=true` requires."""
        return False
