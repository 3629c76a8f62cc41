"""The looks that the segments of each class had in training, to draw from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.instances import count_segments, segment_ids

MOST_CLUSTERS = 10  # of a class, as published


@dataclass(frozen=True, eq=False)
class FeatureClusters:
    """Clusters of the features of each class.

    A segment of a class that training had no segment of has features of 0, the middle of their range.

    Attributes:
        centers: (C, M, D) float32 in [-1, 1], the clusters of each class from the most to the least frequent; 0 behind
            the last.
        counts: (C,) int64 in 0..M, how many clusters a class has.

    Source: Wang et al. 2018 (pix2pixHD), section 3.4.
    """

    centers: Tensor
    counts: Tensor

    def drawn(self, label: Tensor, instance: Tensor, sources: Sequence[torch.Generator]) -> Tensor:
        """Each segment draws one cluster of its class.

        Args:
            label: (B, H, W) int64, class indices.
            instance: (B, H, W) int64, 0 = no instance, 1..MAX_INSTANCES.
            sources: a random generator for each image.

        Returns:
            (B, D, H, W) float32.
        """
        segments = segment_ids(label, instance, len(self.counts))
        rows = count_segments(len(self.counts))
        numbers = torch.stack([torch.randint(2**31, (rows,), generator=source) for source in sources])
        return self._at(label, numbers.to(label.device).gather(1, segments.flatten(1)).view(label.shape))

    def nth(self, label: Tensor, number: int) -> Tensor:
        """The same cluster of every class.

        Args:
            label: (B, H, W) int64, class indices.
            number: 0 = the most frequent; a class with fewer clusters starts again with its first.

        Returns:
            (B, D, H, W) float32.

        Raises:
            ConfigurationError: no class has so many.
        """
        self.require(number)
        return self._at(label, torch.full_like(label, number))

    def require(self, number: int) -> None:
        """Refuse a number that is no cluster's.

        Raises:
            ConfigurationError: no class has so many.
        """
        most = int(self.counts.max())
        if not 0 <= number < most:
            raise ConfigurationError(f"style {number}: there is no such cluster. They are numbered 0 to {most - 1}.")

    def _at(self, label: Tensor, number: Tensor) -> Tensor:
        centers, counts = self.centers.to(label.device), self.counts.to(label.device)
        chosen = number % counts.clamp(min=1)[label]
        return centers[label, chosen].permute(0, 3, 1, 2)
