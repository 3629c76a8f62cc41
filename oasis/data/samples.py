"""Samples, and the base class of their datasets."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict, cast, get_args

import torch.utils.data
from torch import Tensor

from oasis.data.faults import Refusal, Tolerance
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace

if TYPE_CHECKING:
    from oasis.data.dataset import Dataset

Split = Literal["train", "val", "test"]


def as_split(name: str, option: str = "--split") -> Split:
    """The split of this name.

    Args:
        name: of the split.
        option: that a user gave it by, for the error.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in get_args(Split):
        raise ConfigurationError(f"{option} {name}: choose one of {', '.join(get_args(Split))}.")
    return cast(Split, name)


class Sample(TypedDict):
    """One photo with its maps, as integers from the files.

    image: (3, H, W) uint8; label: (H, W) uint8 raw label ids; instance: (H, W) int32 raw instance ids, zeros
    if the dataset has none; name: the file stem; index: the position in the split; counted: see `Batch`, missing if
    all are; refused: the samples that this one replaces, passed from a worker process to the one that trains.
    """

    image: Tensor
    label: Tensor
    instance: Tensor
    name: str
    index: int
    counted: NotRequired[bool]
    refused: NotRequired[list[Refusal]]


@dataclass(frozen=True)
class SampleFiles:
    """The files of one sample; `instance` is None if the dataset has no instance map."""

    name: str
    photo: Path
    label: Path
    instance: Path | None


class Samples(torch.utils.data.Dataset[Sample], ABC):
    """The samples of one split.

    Attributes:
        dataset: the dataset of the samples.
        split: `train`, `val` or `test`.
        label_space: which raw ids may occur.
        height: rows of a sample.
        width: columns of a sample.
        files: of each sample, in order.
        tolerance: how many samples that cannot be read are accepted.
        decodes: whether reading a sample is so slow that worker processes pay off.
    """

    dataset: "Dataset"
    split: Split
    label_space: LabelSpace
    height: int
    width: int
    files: Sequence[SampleFiles]
    tolerance: Tolerance
    decodes: bool = True

    def __len__(self) -> int:
        return len(self.files)

    @property
    def root(self) -> Path:
        """The dataset's folder."""
        return self.dataset.root

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """Read one sample.

        Raises:
            DatasetError: it cannot be read.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash that changes with the samples."""

    @abstractmethod
    def suspects(self) -> Sequence[int]:
        """The positions of all samples that may turn out to be unreadable."""
