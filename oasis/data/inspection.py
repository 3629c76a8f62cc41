"""Checking single samples for all faults, and counting their contents."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch.utils.data
from numpy.typing import NDArray

from oasis.data.consistency import Maps, OnInconsistentIds, consistent_label
from oasis.data.dataset import Dataset, require_size
from oasis.data.faults import ForeignIdsError
from oasis.data.files import reading
from oasis.data.files.meaning import check_label_file
from oasis.data.files.opening import MAX_PIXELS
from oasis.data.sample import SampleFiles
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS
from oasis.labels import LabelSpace


class Fault(NamedTuple):
    """A fault of a file. kind: for counting; reason: the full message, naming the file."""

    kind: str
    reason: str


@dataclass
class Finding:
    """The contents of one sample; None for what could not be read.

    Attributes:
        city: its folder.
        name: of the sample.
        faults: all of its faults.
        size: (width, height) of the photo.
        label_pixels: (256,) int64, pixels of each raw label id.
        group_pixels: (256,) int64, pixels of each raw id of a thing class that do not belong to a single instance.
        instances: number of instances.
        links_out: files that are links to the outside of the dataset.
    """

    city: str
    name: str
    faults: list[Fault] = field(default_factory=list)
    size: tuple[int, int] | None = None
    label_pixels: NDArray[np.int64] | None = None
    group_pixels: NDArray[np.int64] | None = None
    instances: int | None = None
    links_out: int = 0


class Inspection(torch.utils.data.Dataset[Finding]):
    """A `Finding` for each sample; an unreadable file is one of its faults, never an error.

    Args:
        dataset: how its files are read.
        samples: the files to check.
        label_space: which ids may occur.
        on_inconsistent_ids: whether maps that contradict each other are a fault, see `OnInconsistentIds`.
        max_pixels: the most pixels that a file's header may claim.
    """

    def __init__(
        self,
        dataset: Dataset,
        samples: list[SampleFiles],
        label_space: LabelSpace,
        on_inconsistent_ids: str = OnInconsistentIds.ERROR,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.dataset = dataset
        self.root = dataset.root.resolve()
        self.samples = samples
        self.label_space = label_space
        self.on_inconsistent_ids = OnInconsistentIds(on_inconsistent_ids)
        self.max_pixels = max_pixels

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Finding:
        """Check one sample: every file is decoded completely, at its own size, by the readers that training uses."""
        files = self.samples[index]
        found = Finding(files.photo.parent.name, files.name)
        found.links_out = sum(self._leads_out(path) for path in (files.photo, files.label, files.instance))
        self._look_at_photo(files, found)
        label = self._label(files, found)
        instance = self._instance(files, found)
        if label is not None:
            found.label_pixels = np.bincount(label.reshape(-1), minlength=RAW_IDS)
        if label is not None and instance is not None and label.shape == instance.shape:
            instance = self.dataset.instance_ids(label, instance, self.label_space)
            found.instances = int(np.count_nonzero(np.bincount(instance.reshape(-1))[INSTANCES_PER_CLASS:]))
            with _noted(found):
                consistent_label(
                    Maps(label, instance, files.label, files.instance or files.label),
                    self.label_space,
                    self.on_inconsistent_ids,
                )
            alone = np.bincount(label[instance < INSTANCES_PER_CLASS], minlength=RAW_IDS)
            found.group_pixels = np.where(np.isin(self.label_space.raw_to_class, [*self.label_space.things]), alone, 0)
        return found

    def _look_at_photo(self, files: SampleFiles, found: Finding) -> None:
        with _noted(found):
            found.size = reading.check_photo_header(files.photo, self.max_pixels)
            reading.read_photo(files.photo, found.size[1], found.size[0], self.max_pixels)

    def _label(self, files: SampleFiles, found: Finding) -> NDArray[np.uint8] | None:
        label = None
        with _noted(found):
            label = self.dataset.read_label(files.label, self.max_pixels)
            self._compare(files.label, label.shape, files, found)
        if label is not None:
            with _noted(found):
                check_label_file(label, files.label, self.label_space)
        return label

    def _instance(self, files: SampleFiles, found: Finding) -> NDArray[np.int32] | None:
        instance = None
        if files.instance is not None:
            with _noted(found):
                instance = self.dataset.read_instance(files.instance, self.max_pixels)
                self._compare(files.instance, instance.shape, files, found)
        return instance

    def _compare(self, path: Path, shape: tuple[int, ...], files: SampleFiles, found: Finding) -> None:
        if found.size is not None:
            require_size(path, (shape[1], shape[0]), files.photo, found.size)

    def _leads_out(self, path: Path | None) -> bool:
        return path is not None and not path.resolve().is_relative_to(self.root)


@contextmanager
def _noted(found: Finding) -> Iterator[None]:
    try:
        yield
    except DatasetError as error:
        # Only a label space raises errors without a kind.
        found.faults.append(Fault(getattr(error, "kind", ForeignIdsError.kind), str(error)))
