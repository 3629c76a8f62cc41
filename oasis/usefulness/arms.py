"""What the segmenters of each arm are trained on: the same label maps in the same order, with other pictures."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.data.batch_transform import BatchTransform
from oasis.data.sample import Sample, Split
from oasis.data.sampler import Place, StreamSampler
from oasis.data.samples import Samples
from oasis.errors import ConfigurationError
from oasis.training.segmenter_fit import NoCondition

BATCH = 4  # samples of a step, as `oasis train-segmenter` has by default


@dataclass(frozen=True)
class Fakes:
    """Pictures that stand in for photos.

    Attributes:
        draws: each (N, 3, H, W) uint8, pictures of the N training maps in the order of the split. Pass k over the maps
            takes draw k, then the first again.
        every: 1 = every sample has a fake; 2 = every second one, the others keep their photo.
    """

    draws: Sequence[NDArray[np.uint8]] = field(repr=False)
    every: int = 1

    def exchanged(self, images: Tensor, places: Sequence[Place], maps: int) -> Tensor:
        """Photos, (B, 3, H, W) uint8, with fakes in the place of some.

        Args:
            images: the photos.
            places: B, of each sample: its label map, and its position in the stream.
            maps: N, label maps in the training split.
        """
        result = images.clone()
        for row, place in enumerate(places):
            if place.position % self.every == 0:
                passes = place.position // (maps // BATCH * BATCH)
                # a copy: the map cannot be written, and its file may be replaced
                result[row] = torch.from_numpy(np.array(self.draws[passes % len(self.draws)][place.sample]))
        return result


class ArmData(LightningDataModule):
    """The training data of a segmenter: a fixed number of batches of `BATCH` samples.

    Which label map has which position in the stream, and which positions are mirrored, depends on the seed alone. The
    arms differ in nothing but their pictures, so that fakes that equal the photos give the scores of photos.

    Args:
        data: photos and label maps; see `for_segmenters`.
        steps: batches.
        seed: of order and mirroring.
        fakes: replace photos; None = photos alone.

    Raises:
        ConfigurationError: fewer training maps than a batch.
    """

    def __init__(self, data: LabelMapDataModule, steps: int, seed: int, fakes: Fakes | None = None) -> None:
        super().__init__()
        self.data = data
        self.seed = seed
        self.fakes = fakes
        self.maps = len(data.dataset("train"))
        self.places = training_order(self.maps, steps, seed)
        self.served = 0

    def dataset(self, split: Split) -> Samples:
        """The samples of a split."""
        return self.data.dataset(split)

    def listed(self, split: Split) -> Samples:
        """All samples of a split, also bad ones."""
        return self.data.listed(split)

    def train_dataloader(self) -> DataLoader[Sample]:
        """All batches, with photos."""
        return self.data.loader_of("train", [place.sample for place in self.places])

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Exchange the photos of the next batch for fakes, where this arm has some."""
        if self.fakes is None:
            return batch
        return {**batch, "image": self.fakes.exchanged(batch["image"], self._next(), self.maps)}

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Batch:
        """Mirror and normalise, on the device."""
        positions = [place.position for place in self._next()]
        self.served += 1
        return self.data.batch_transform(batch, positions, self.seed)

    def _next(self) -> list[Place]:
        return self.places[self.served * BATCH : (self.served + 1) * BATCH]


def training_order(maps: int, steps: int, seed: int) -> list[Place]:
    """The label map of each position of a training: shuffled passes over all maps, `steps` batches long.

    Raises:
        ConfigurationError: fewer maps than a batch.
    """
    if maps < BATCH:
        raise ConfigurationError(
            f"The training split has {maps} label maps: a segmenter is trained on {BATCH} or more. Name a dataset with "
            "more: data=cityscapes data.root=DIR."
        )
    places: list[Place] = []
    while len(places) < steps * BATCH:
        done = len(places) // BATCH
        places += StreamSampler(maps, BATCH, seed, lambda done=done: done)  # type: ignore[misc]  # one pass
    return places[: steps * BATCH]


def passes_of(maps: int, steps: int) -> int:
    """How many passes over the maps a training begins: more draws than that are never seen."""
    return -(-steps // max(1, maps // BATCH))


def for_segmenters(data: LabelMapDataModule) -> LabelMapDataModule:
    """The same dataset in batches of a segmenter, without an encoding; mirrored in training as its settings say."""
    plain = copy.copy(data)
    plain.batch_size = BATCH
    plain.encoding = NoCondition(data.label_space)
    plain.batch_transform = BatchTransform(plain.encoding, data.label_space, data.flip)
    return plain
