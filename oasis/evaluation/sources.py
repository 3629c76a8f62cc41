"""What pictures of label maps may come from."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.data.sample import Sample, Split


class PictureSource(Protocol):
    """A column of an evaluation: a generator (`EvaluatedModel`), or pictures that exist (`Pictures`)."""

    @property
    def name(self) -> str:
        """Unique in a comparison."""

    @property
    def origin(self) -> str:
        """A path."""

    @property
    def facts(self) -> dict[str, str]:
        """Further details."""

    @property
    def data(self) -> LabelMapDataModule:
        """The dataset of the label maps."""

    @property
    def generates(self) -> bool:
        """Whether pictures are made anew from noise; otherwise, they are read."""

    def numbers(self, seeds: Sequence[int]) -> Sequence[int]:
        """The number of each draw, which `generate` takes: the seeds of noise, or its own numbers if it has none."""

    def maps(self, split: Split) -> Sequence[int]:
        """The positions of the label maps of which there are pictures, in order."""

    def to(self, device: torch.device) -> None:
        """Move what generates to a device."""

    def generate(self, samples: Sample, seed: int) -> tuple[Batch, Tensor]:
        """One picture per label map.

        Args:
            samples: collated samples on the device.
            seed: one of `numbers`.

        Returns:
            The batch, and (B, 3, H, W) float32 in [-1, 1].
        """


def common_maps(sources: Sequence[PictureSource], split: Split) -> list[int]:
    """The positions of the label maps of which every source has pictures, in order."""
    return sorted(set.intersection(*({*source.maps(split)} for source in sources)))
