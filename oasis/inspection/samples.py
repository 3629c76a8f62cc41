"""One sample to inspect: read from a dataset, or a synthetic street."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from oasis.data import FileSamples
from oasis.data.dataset import Dataset
from oasis.data.sample import as_split
from oasis.data.transforms import compact_instances, to_unit_range
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.streets import draw_street

_FIRST_STREET = 32  # has touching cars, single persons and a group


@dataclass(frozen=True)
class LabelledPhoto:
    """One sample as encodings take it.

    Attributes:
        name: of the sample.
        photo: (3, H, W) float32 in [-1, 1].
        label: (H, W) int64 class indices.
        instance: (H, W) int64, 0 = no instance, 1..N.
        label_space: the classes.
    """

    name: str
    photo: Tensor
    label: Tensor
    instance: Tensor
    label_space: LabelSpace

    @classmethod
    def of_raw(cls, name: str, photo: Tensor, label: Tensor, instance: Tensor, space: LabelSpace) -> "LabelledPhoto":
        """From integers as in files: photo (3, H, W) uint8, raw label ids, raw instance ids."""
        return cls(name, to_unit_range(photo), space.to_classes(label), compact_instances(instance[None])[0], space)


def synthetic_street(index: int, height: int, width: int, space: LabelSpace) -> LabelledPhoto:
    """Draw the synthetic street of this number."""
    street = draw_street(np.random.SeedSequence(_FIRST_STREET + index), height, width)
    photo = torch.from_numpy(street.photo).permute(2, 0, 1)
    label, instance = torch.from_numpy(street.label), torch.from_numpy(street.instance.astype(np.int32))
    return LabelledPhoto.of_raw(f"synthetic street {index}", photo, label, instance, space)


def read_sample(dataset: FileSamples, index: int) -> LabelledPhoto:
    """Read one sample of a dataset.

    Raises:
        ConfigurationError: the index is out of range.
        DatasetError: its files are invalid.
    """
    if index >= len(dataset):
        raise ConfigurationError(
            f"--index {index}: the split {dataset.split!r} of {dataset.root} has {len(dataset)} samples, so the last "
            f"is --index {len(dataset) - 1}."
        )
    sample = dataset[index]
    return LabelledPhoto.of_raw(
        sample["name"], sample["image"], sample["label"], sample["instance"], dataset.label_space
    )


def open_dataset(
    dataset: Dataset, split: str, height: int, width: int, space: LabelSpace, instances: bool
) -> FileSamples:
    """The samples of a dataset's split, whose files are made if it can make them; see `FileSamples`."""
    dataset.prepare()
    return FileSamples(dataset, as_split(split), space, height, width, instances)
