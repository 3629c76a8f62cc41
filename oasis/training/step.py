"""The input of an objective."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from oasis.batch import Batch
from oasis.models import Style
from oasis.objectives import Objective
from oasis.randomness import Stream
from oasis.training.sampling import sources_of


@dataclass(frozen=True)
class TrainingStep:
    """One batch and the two networks, see `oasis.objectives.Step`.

    Attributes:
        batch: the photos and label maps.
        discriminator: the network itself.
        generate: makes fakes for the batch.
        forward: runs the discriminator, compiled if enabled.
        objective: defines the discriminator's inputs.
        seed: of random numbers.
        style: the styles of the photos, in the generator's step.
    """

    batch: Batch
    discriminator: nn.Module
    generate: Callable[[], Tensor]
    forward: Callable[..., Any]
    objective: Objective
    seed: int
    style: Style | None = None

    def discriminate(self, image: Tensor) -> Any:
        """The discriminator's output for (B, 3, H, W) pictures in [-1, 1]."""
        return self.forward(*self.objective.discriminator_inputs(image, self.batch.condition))

    def random_sources(self, stream: Stream) -> list[torch.Generator] | None:
        """One random generator per image; None = torch's global state."""
        return sources_of(self.batch, self.seed, stream)
