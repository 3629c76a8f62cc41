"""Pictures of other programs, read from folders: evaluated like those that a generator makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.data.files.reading import decode_photo
from oasis.data.sample import Sample, Split
from oasis.data.transforms import to_unit_range
from oasis.errors import ConfigurationError
from oasis.evaluation.pairing import Draw


class Resizing(Enum):
    """How pictures of another size are resized; both by Pillow."""

    AREA = Image.Resampling.BOX
    """Each pixel is the mean of those it covers."""

    BILINEAR = Image.Resampling.BILINEAR
    """Weighted by a triangle, which is as wide as the reduction: antialiased."""


@dataclass(frozen=True)
class Pictures:
    """Pictures in folders, one or several draws for each label map; a `PictureSource`.

    They are read as the dataset's photos are, in any mode and format: see `decode_photo`.

    Attributes:
        name: unique among the compared columns.
        origin: the folders.
        facts: number and format of the pictures.
        data: the dataset of the label maps, which decides the size.
        split: of the dataset.
        draws: all of the same label maps.
        resizing: for pictures of another size; None = there are none.
    """

    name: str
    origin: str
    facts: dict[str, str]
    data: LabelMapDataModule
    split: Split
    draws: tuple[Draw, ...]
    resizing: Resizing | None = None
    generates: ClassVar[bool] = False

    def numbers(self, seeds: Sequence[int]) -> Sequence[int]:
        """0, 1, ...: there are as many draws as were found, whatever the seeds."""
        return range(len(self.draws))

    def maps(self, split: Split) -> Sequence[int]:
        """The positions of the label maps that have pictures.

        Raises:
            ConfigurationError: the pictures are of another split.
        """
        if split != self.split:
            raise ConfigurationError(f"{self.name}: these are pictures of the split {self.split!r}, not of {split!r}.")
        return [i for i, files in enumerate(self.data.dataset(split).files) if files.label in self.draws[0].pictures]

    def to(self, device: torch.device) -> None:
        """Does nothing: there are no weights."""

    def generate(self, samples: Sample, seed: int) -> tuple[Batch, Tensor]:
        """Read one picture per label map.

        Args:
            samples: collated samples, on the device where the pictures are wanted.
            seed: number of the draw.

        Returns:
            The batch, and (B, 3, H, W) float32 in [-1, 1].

        Raises:
            DatasetError: a picture that cannot be decoded.
        """
        batch = self.data.encode(samples, seed=seed)
        files = self.data.dataset(self.split).files
        pictures = [self._read(self.draws[seed].pictures[files[i].label]) for i in batch.index.tolist()]
        return batch, to_unit_range(torch.stack(pictures).to(batch.image.device))

    def _read(self, path: Path) -> Tensor:
        picture = decode_photo(path, self.data.max_pixels)
        size = (self.data.width, self.data.height)
        if picture.size != size and self.resizing is not None:
            picture = picture.resize(size, self.resizing.value)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
