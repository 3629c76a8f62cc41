"""The extension point of the project: how a label map is shown to the networks."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from oasis.labels import LabelSpace


class Encoding(nn.Module, ABC):
    """Turns class and instance maps into the channels that the generator is conditioned on.

    A subclass says how many `channels` it makes and makes them in `forward`; nobody else knows. It is applied
    once a batch, on the batch's device, after flipping, so that it never has to be flipped itself.

    Attributes:
        needs_instances: whether the encoding reads the instance map; a dataset without one is refused if so.
        label_space: what the class indices mean.
    """

    needs_instances: ClassVar[bool] = False

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__()
        self.label_space = label_space

    @property
    @abstractmethod
    def channels(self) -> int:
        """How many channels `forward` returns."""

    @abstractmethod
    def forward(self, label: Tensor, instance: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode a batch.

        Args:
            label: (B, H, W) int64, class indices 0..C-1.
            instance: (B, H, W) int64, 0 = no instance, 1..N within each image.
            generator: what random encodings draw from, on any device; None = torch's global random state, which
                a resumed run takes up again. One of a fixed seed makes samples that can be repeated.

        Returns:
            (B, channels, H, W) float32.
        """
