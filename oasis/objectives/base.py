"""The extension point for losses."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from oasis.batch import Batch
from oasis.randomness import Stream

LossTerms = dict[str, Tensor]


class Step(Protocol):
    """What an objective is given: one batch and the two networks, behind whatever compiles or distributes them.

    Attributes:
        batch: the photos and label maps.
        discriminator: the network itself, for what it offers beside `discriminate`.
    """

    @property
    def batch(self) -> Batch: ...  # noqa: D102

    @property
    def discriminator(self) -> nn.Module: ...  # noqa: D102

    def generate(self) -> Tensor:
        """Fakes for the batch, (B, 3, H, W) in [-1, 1]; with gradients in the generator's step alone."""

    def discriminate(self, image: Tensor) -> Any:
        """What the discriminator returns for (B, 3, H, W) pictures in [-1, 1]."""

    def random_sources(self, stream: Stream) -> list[torch.Generator] | None:
        """One source of random numbers an image, the same in any batch and process; None = torch's global state."""


class Objective(nn.Module, ABC):
    """The loss terms of both networks.

    Terms enter their network's sum as they are logged: weights are already in them. Each is a scalar with a gradient
    towards the network whose step it is. An objective may hold networks and buffers; the module that trains moves them
    to the device, but neither trains nor averages them.
    """

    @abstractmethod
    def generator_loss(self, step: Step) -> LossTerms:
        """What the generator pays, by name; logged as `generator/NAME`."""

    @abstractmethod
    def discriminator_loss(self, step: Step) -> LossTerms:
        """What the discriminator pays, by name; logged as `discriminator/NAME`."""

    def validation_loss(self, step: Step) -> LossTerms:
        """Terms on photos and maps that training never saw, by name; logged as `val/NAME`. None by default."""
        return {}

    def discriminator_inputs(self, image: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """What the discriminator's `forward` is called with: the pictures alone, unless told otherwise.

        Args:
            image: (B, 3, H, W) float in [-1, 1]; B may be a multiple of the condition's where pictures are joined.
            condition: (B, K, H, W) float, the encoded label map.
        """
        return (image,)

    def needs_instances(self, discriminator: nn.Module) -> bool:
        """Whether a term learns from instance maps, so that a dataset without is refused."""
        return False

    @property
    def validation_names(self) -> tuple[str, ...]:
        """The names of `validation_loss`, which a run may monitor; empty if they are not known beforehand."""
        return ()

    @property
    def single_pass(self) -> bool:
        """Whether the discriminator's step makes one pass of it, which `model.compile=true` needs."""
        return False
