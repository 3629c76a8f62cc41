"""Several batches in one step of the optimizers."""

from typing import Any

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError


class Accumulation:
    """Counts the batches of a step of the optimizers, and keeps their gradients in checkpoints.

    Args:
        batches: whose gradients are averaged before the optimizers step; the last step of an epoch may have fewer.

    Attributes:
        stepping: whether the optimizers step at the last batch that was counted.

    Raises:
        ConfigurationError: less than one batch.
    """

    def __init__(self, batches: int = 1) -> None:
        if batches < 1:
            raise ConfigurationError(f"model.accumulate_batches={batches}: at least 1.")
        self.batches = batches
        self.stepping = False
        self._waiting = 0  # batches since the step before
        self._together = batches  # batches of the next step
        self._gradients: dict[str, Tensor] = {}  # of a checkpoint, until training starts

    def count(self, left: float) -> None:
        """Count a batch.

        Args:
            left: batches of the epoch, from this one on.
        """
        before = 0 if self.stepping else self._waiting
        self._waiting = before + 1
        self._together = int(min(self.batches, before + left))
        self.stepping = self._waiting >= self._together

    def averaged(self, loss: Tensor) -> Tensor:
        """The loss's share in the mean over the batches of the step."""
        return loss if self._together == 1 else loss / self._together

    def save(self, checkpoint: dict[str, Any], networks: nn.Module) -> None:
        """Add the gradients of batches that wait for a step."""
        if self._waiting and not self.stepping:
            gradients = {name: each.grad for name, each in networks.named_parameters() if each.grad is not None}
            checkpoint["gradients"], checkpoint["waiting"] = gradients, self._waiting

    def load(self, checkpoint: dict[str, Any]) -> None:
        """Read what `save` has added, if anything."""
        self.stepping, self._waiting = False, checkpoint.get("waiting", 0)
        self._gradients = dict(checkpoint.get("gradients", {}))

    def restore(self, networks: nn.Module) -> None:
        """Give the weights, which are on their device now, the gradients that were loaded."""
        for name, gradient in self._gradients.items():
            weight = networks.get_parameter(name)
            weight.grad = torch.empty_like(weight).copy_(gradient)
        self._gradients = {}
