"""The base class of metrics that count in the matching of each image's segments."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from oasis.metrics.per_image import PerImage
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import Matching


class PerMatching(PerImage):
    """A metric of the matched, missed and wrong segments of images.

    Attributes:
        is_thing: (K+1,) bool, by class; False for void.
    """

    is_thing: Tensor

    def __init__(self, classes: ScoredClasses, **settings: Any) -> None:
        super().__init__(**settings)
        self.classes = classes
        self.register_buffer("is_thing", classes.is_thing, persistent=False)

    def update(self, index: Tensor, matchings: Sequence[Matching]) -> None:
        """Count.

        Args:
            index: (B,) int64, positions in the dataset.
            matchings: of B images, see `segments.match_all`.

        Raises:
            MetricError: the number of positions is not that of images.
        """
        self.keep(index, torch.stack([self.count(matching) for matching in matchings]))

    @abstractmethod
    def count(self, matching: Matching) -> Tensor:
        """The counts of one image, of the same shape for all."""
