"""The base class of the samples of a split."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch.utils.data

from oasis.data.dataset import Dataset
from oasis.data.faults import Tolerance
from oasis.data.sample import Sample, SampleFiles, Split
from oasis.labels import LabelSpace


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

    dataset: Dataset
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
