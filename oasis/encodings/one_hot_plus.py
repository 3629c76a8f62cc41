"""Encodings that add channels to the one-hot classes."""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from oasis.encodings.base import Encoding, Generators


class OneHotPlus(Encoding):
    """One-hot classes, and `extra_channels` more that a subclass fills.

    The output is allocated once and filled in place, without further memory; `Concat` gives each of its parts a slice
    of it.
    """

    needs_instances: ClassVar[bool] = True

    @property
    @abstractmethod
    def extra_channels(self) -> int:
        """E, the number of channels that `fill` writes."""

    @abstractmethod
    def fill(self, canvas: Tensor, label: Tensor, instance: Tensor, generators: Generators) -> None:
        """Fill the channels after the classes.

        Args:
            canvas: (B, E, H, W) float32, zeros at first; need not be contiguous.
            label: (B, H, W) int64, class indices 0..C-1.
            instance: (B, H, W) int64, 1..N within each image for the pixels of single things; 0 for stuff, void, group
                regions, and everything else without an instance.
            generators: one per sample, or None; see `Encoding.forward`.
        """

    @property
    def channels(self) -> int:
        """C + E."""
        return self.label_space.num_classes + self.extra_channels

    def forward(self, label: Tensor, instance: Tensor, generators: Generators = None) -> Tensor:
        """Encode a batch; see `Encoding.forward`."""
        batch, height, width = label.shape
        encoded = torch.zeros(batch, self.channels, height, width, dtype=torch.float32, device=label.device)
        encoded.scatter_(1, label.unsqueeze(1), 1.0)
        self.fill(encoded[:, self.label_space.num_classes :], label, self.of_things(label, instance), generators)
        return encoded
