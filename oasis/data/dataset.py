"""The base class of datasets: a layout of files on disk, and the formats of its maps."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oasis.data.faults import WrongSizeError
from oasis.data.files import reading
from oasis.data.files.opening import MAX_PIXELS
from oasis.data.instance_maps import CityscapesInstances, InstanceMaps
from oasis.data.listing import Listing
from oasis.data.sample import SampleFiles, Split
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace

_VOID = 255  # in the label maps of most datasets


class Dataset(ABC):
    """Photos, label maps and instance maps on disk: their locations, formats and splits.

    One subclass per layout. It lists files and reads integers; `FileSamples` checks, resizes and numbers them. A
    subclass defines how the files of a split are paired (`listing`) and, if its maps are not stored as in Cityscapes,
    how they are read: `instance_maps`, or the methods `label_size`, `instance_size`, `read_label`, `read_instance` and
    `instance_ids`.

    Args:
        root: the folder of the dataset.

    Attributes:
        contents: the contents of `root` and where to get them, for messages.
        instance_files: the names of instance maps, for messages.
        instance_maps: how they are stored.

    Raises:
        ConfigurationError: no root.
    """

    contents: ClassVar[str]
    instance_files: ClassVar[str]
    instance_maps: InstanceMaps = CityscapesInstances()

    def __init__(self, root: str | Path | None) -> None:
        if root is None:
            raise ConfigurationError(
                f"No dataset is named. Give data.root=FOLDER ({self.contents}), or train on synthetic streets: "
                "data=synthetic."
            )
        self.root = Path(root).expanduser()

    @abstractmethod
    def splits(self) -> list[Split]:
        """The available splits.

        Raises:
            DatasetError: no dataset at `root`.
        """

    @abstractmethod
    def listing(self, split: Split) -> Listing:
        """The files of a split; their contents are not checked.

        Raises:
            DatasetError: no dataset at `root`, or the split is empty.
        """

    def prepare(self) -> None:  # noqa: B027, a hook
        """Download or generate what is missing. Runs in one process per machine.

        Does nothing by default.
        """

    def require_batch(self, batch_size: int) -> None:  # noqa: B027, a hook
        """Refuse a batch size above the dataset's size, if that is known before the files exist.

        Does nothing by default: the data module counts files.

        Raises:
            ConfigurationError: fewer samples than a batch.
        """

    def identity(self) -> dict[str, Any]:
        """Machine-independent settings that identify the dataset, in plain types."""
        return {"class": type(self).__name__, "root": self.root.name}

    def require_label_space(self, label_space: LabelSpace) -> None:  # noqa: B027, a hook
        """Refuse a label space for which the numbers in the maps mean other classes, if that shows without the maps.

        Does nothing by default: ids outside of it are found as maps are read. See `require_numbering`.

        Raises:
            ConfigurationError: the message says which label space to use.
        """

    def label_size(self, path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
        """(width, height) of a label map, from its header alone.

        Raises:
            DatasetError: not a label map of this dataset.
        """
        return reading.check_label_header(path, max_pixels)

    def instance_size(self, path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
        """(width, height) of an instance map, from its header alone.

        Raises:
            DatasetError: not an instance map of this dataset.
        """
        return self.instance_maps.size(path, max_pixels)

    def read_label(self, path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """Raw label ids.

        Returns:
            (H, W) uint8, at the size of the file.

        Raises:
            DatasetError: the file cannot be decoded or is not a label map of this dataset.
        """
        return reading.read_label_ids(path, max_pixels)

    def read_instance(self, path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.int32]:
        """Raw instance ids: `label id * 1000 + k` for the k-th thing of a class, the plain label id elsewhere.

        Other numbers need an `instance_ids` that converts them.

        Returns:
            (H, W) int32 in 0..256999, at the size of the file.

        Raises:
            DatasetError: the file cannot be decoded or is not an instance map of this dataset.
        """
        return self.instance_maps.read(path, max_pixels)

    def instance_ids(
        self,
        label: NDArray[np.uint8],
        instance: NDArray[np.int32],
        label_space: LabelSpace,
    ) -> NDArray[np.int32]:
        """Raw instance ids from the two maps of a sample, if a file's numbers have no meaning without its labels.

        By default `read_instance` returns raw instance ids.

        Args:
            label: (H, W) uint8, what `read_label` returned.
            instance: (H, W) int32, what `read_instance` returned.
            label_space: which labels are things.

        Returns:
            (H, W) int32 in 0..256999: `label id * 1000 + k` for things (256 for label 0), the plain label id elsewhere.
        """
        return self.instance_maps.ids(label, instance, label_space)

    def index_files(self, split: Split) -> Sequence[Path]:
        """Files that describe all samples of a split; when one changes, cached samples are invalid."""
        return ()

    def check_headers(self, files: SampleFiles, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
        """Compare modes and sizes of a sample's files by their headers.

        Returns:
            (width, height) of the photo.

        Raises:
            DatasetError: a file that is not a picture, of another mode, too large, or of another size than its photo.
        """
        size = reading.check_photo_header(files.photo, max_pixels)
        require_size(files.label, self.label_size(files.label, max_pixels), files.photo, size)
        if files.instance is not None:
            require_size(files.instance, self.instance_size(files.instance, max_pixels), files.photo, size)
        return size


def require_numbering(label_space: LabelSpace, official: LabelSpace, what: str, advice: str) -> None:
    """Raise if the raw ids of a label space are those of other maps.

    It may have fewer ids than the maps, as a class file drafted from some of them, and 255, if it has all others.

    Args:
        label_space: the label space.
        official: that of the maps, with all ids that they may hold.
        what: the maps, in words.
        advice: what to do.

    Raises:
        ConfigurationError: it has ids that the maps never hold; or see `require_names`.
    """
    known, ids = (
        {raw for raw, index in enumerate(space.raw_to_class) if index >= 0} for space in (label_space, official)
    )
    foreign = sorted(known - ids)
    if foreign and (foreign != [_VOID] or not known >= ids):
        raise ConfigurationError(
            f"{what}: label maps hold the ids {_ranges(ids)}, but the label space has classes for {_ranges(known)}: a "
            f"number would be another class. {advice}."
        )
    require_names(label_space, _named_ids(official), what, advice)


def require_names(label_space: LabelSpace, ids_of: Mapping[str, set[int]], what: str, advice: str) -> None:
    """Raise if a class of a label space has the name of a class of the maps, but none of its ids.

    So a class may unite several of theirs, or bear a name of its own.

    Args:
        label_space: the label space.
        ids_of: name -> raw ids in the maps.
        what: the maps, in words.
        advice: what to do.

    Raises:
        ConfigurationError: the message names the class.
    """
    for name, ids in _named_ids(label_space).items():
        theirs = ids_of.get(name, ids)
        if ids.isdisjoint(theirs):
            raise ConfigurationError(
                f"{what}: {name!r} is {_ranges(theirs)} in label maps, but {_ranges(ids)} in the label space: a number "
                f"would be another class. {advice}."
            )


def _named_ids(space: LabelSpace) -> dict[str, set[int]]:
    """Name -> raw ids of each class that has some, but for the ignored one."""
    ids_of: dict[str, set[int]] = {}
    for raw, index in enumerate(space.raw_to_class):
        if index not in (-1, space.ignore_index):
            ids_of.setdefault(space.names[index], set()).add(raw)
    return ids_of


def _ranges(ids: Collection[int]) -> str:
    """`0 to 18, 255` for these twenty ids."""
    starts = [raw for raw in sorted(ids) if raw - 1 not in ids]
    ends = [raw for raw in sorted(ids) if raw + 1 not in ids]
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True))


def require_size(path: Path, size: tuple[int, ...], other: Path, expected: tuple[int, ...]) -> None:
    """Raise if a map does not have the (width, height) of the file that it belongs to.

    Raises:
        DatasetError: the sizes differ.
    """
    if size != expected:
        raise WrongSizeError(
            f"{path} is {size[0]}x{size[1]} but {other}, of the same sample, is {expected[0]}x{expected[1]} (width x "
            "height): the two do not belong together, or one was resized. Restore the original."
        )
