"""The samples of a split, decoded from the files of a dataset."""

import copy
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from oasis.data.consistency import OnInconsistentIds
from oasis.data.dataset import Dataset
from oasis.data.decoding import read_maps
from oasis.data.faults import PartnerError, Tolerance, WrongSizeError
from oasis.data.files import reading
from oasis.data.files.opening import MAX_PIXELS
from oasis.data.sample import Sample, SampleFiles, Split
from oasis.data.samples import Samples
from oasis.data.scaling import Scaling, Stretch
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

Maps = tuple[NDArray[np.uint8], NDArray[np.int32]]
"""(H, W) raw label ids and (H, W) raw instance ids."""

_READING = 2  # changes with what is made of the same file; 2: photos are turned and scaled


class FileSamples(Samples):
    """Samples decoded from the files of a dataset at each access.

    Names, sizes and modes of all files are checked when the samples are listed; faults that only decoding shows
    (corrupt files, foreign ids) are checked as each is read. Augmentation happens later, on the device.

    Args:
        dataset: lists and reads the files.
        split: `train`, `val` or `test`.
        label_space: which raw ids may occur.
        height: rows of a sample.
        width: columns of a sample.
        needs_instances: refuse a dataset in which an instance map is missing.
        on_inconsistent_ids: how to handle thing pixels that have another class in the label map; see
            `OnInconsistentIds`.
        tolerance: whether samples with a file of the wrong kind or size are refused at once, or when they are read.
        max_pixels: the most pixels that a file's header may claim.
        scaling: how pictures are brought to the size of a sample; None = stretched to height x width.

    Raises:
        ConfigurationError: no such policy; a label space of other maps.
        DatasetError: no dataset there, an empty split, a missing partner, sizes that differ within a pair, a
            file of the wrong mode, a picture smaller than the scaling needs; more of them than `tolerance` accepts.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        label_space: LabelSpace,
        height: int = 256,
        width: int = 512,
        needs_instances: bool = False,
        on_inconsistent_ids: str = OnInconsistentIds.ERROR,
        tolerance: Tolerance = Tolerance(),  # noqa: B008
        max_pixels: int = MAX_PIXELS,
        scaling: Scaling | None = None,
    ) -> None:
        self.on_inconsistent_ids = OnInconsistentIds(on_inconsistent_ids)
        dataset.require_label_space(label_space)
        self.dataset = dataset
        self.split = split
        self.label_space = label_space
        self.height = height
        self.width = width
        self.tolerance = tolerance
        self.max_pixels = max_pixels
        self.scaling = scaling or Stretch(height, width)
        self.files = self._pair(needs_instances)
        self._refused: dict[int, str] = {}  # position -> fault of a file's header
        with ThreadPoolExecutor(16) as pool:  # waits for the file system, not for Python
            for index, fault in enumerate(pool.map(self._header_fault, self.files)):
                if fault is not None:
                    self._refuse(index, fault)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample.

        Raises:
            DatasetError: a file cannot be decoded, has ids outside the label space, or the two maps contradict
                each other.
        """
        label, instance, size = self._maps(index)
        photo = reading.read_photo(self.files[index].photo, *size, self.max_pixels)
        return Sample(
            image=torch.from_numpy(photo[self.scaling.window(*size)]).permute(2, 0, 1).contiguous(),
            label=torch.from_numpy(label),
            instance=torch.from_numpy(instance),
            name=self.files[index].name,
            index=index,
        )

    def maps(self, index: int) -> Maps:
        """Read the maps of one sample without its photo.

        Returns:
            (H, W) uint8 raw label ids and (H, W) int32 raw instance ids, as in the sample.

        Raises:
            DatasetError: see `__getitem__`.
        """
        return self._maps(index)[:2]

    def _maps(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32], tuple[int, int]]:
        """The maps of a sample, and the size that its photo is resized to before the window is cut out."""
        if index in self._refused:
            raise DatasetError(self._refused[index])
        files = self.files[index]
        raw, raw_instance = read_maps(
            self.dataset, files.label, files.instance, self.label_space, self.on_inconsistent_ids, self.max_pixels
        )  # before resizing, which may hide faults
        size = self._size(raw.shape, files)
        instance = np.zeros(size, np.int32)
        if raw_instance is not None:
            instance[:] = reading.nearest(raw_instance, *size)
        window = self.scaling.window(*size)
        label = reading.nearest(raw, *size)[window]
        return np.ascontiguousarray(label), np.ascontiguousarray(instance[window]), size

    def scaled_by(self, scaling: Scaling) -> Self:
        """The same samples, listed and checked once, brought to their size by another scaling.

        If its `shape` is None, samples have different sizes, and `height` and `width` are 0.
        """
        same = copy.copy(self)
        same.scaling = scaling
        same.height, same.width = scaling.shape or (0, 0)
        return same

    def fingerprint(self) -> str:
        """A hash that changes with the samples: of files, picture size, classes and the dataset's settings."""
        hashed = hashlib.sha256()
        shape = (self.height, self.width)
        settings: tuple[object, ...] = (_READING, self.dataset.identity(), self.split, *shape)
        settings += (self.label_space, self.on_inconsistent_ids.value)
        if self.scaling != Stretch(*shape):
            settings += (self.scaling,)
        hashed.update(repr(settings).encode())
        for path, (size, mtime) in self.file_states().items():
            hashed.update(f"{path.absolute()} {size} {mtime}".encode())
        return hashed.hexdigest()[:32]

    def file_states(self) -> dict[Path, tuple[int, int]]:
        """Current size in bytes and modification time in nanoseconds of every file of the split."""
        paths = [path for files in self.files for path in (files.photo, files.label, files.instance)]
        states = ((path, path.stat()) for path in (*paths, *self.dataset.index_files(self.split)) if path is not None)
        return {path: (state.st_size, state.st_mtime_ns) for path, state in states}

    def suspects(self) -> Sequence[int]:
        """All samples: only reading a file shows whether it can be read."""
        return range(len(self))

    def _size(self, shape: tuple[int, ...], files: SampleFiles) -> tuple[int, int]:
        try:
            return self.scaling.size(*shape)
        except WrongSizeError as error:
            raise WrongSizeError(f"{files.photo}: {error}") from error

    def _pair(self, needs_instances: bool) -> list[SampleFiles]:
        listing = self.dataset.listing(self.split)
        for double in listing.doubles:
            raise double
        gaps = [str(gap.error()) for gap in listing.gaps(needs_instances)]
        if gaps:
            raise PartnerError(" ".join(gaps))
        return listing.samples()

    def _header_fault(self, files: SampleFiles) -> DatasetError | None:
        try:
            width, height = self.dataset.check_headers(files, self.max_pixels)
            self._size((height, width), files)
        except DatasetError as error:
            return error
        return None

    def _refuse(self, index: int, fault: DatasetError) -> None:
        if not self.tolerance.skips:
            raise fault
        self._refused[index] = str(fault)
        self.tolerance.require_few(len(self._refused), len(self), self.split, str(fault))
