"""The base class of panoptic formats."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.data.faults import ForeignIdsError, WrongModeError
from oasis.data.files.id_maps import stored_values
from oasis.data.files.id_modes import require_id_mode
from oasis.data.files.opening import MAX_PIXELS, is_hidden, open_picture
from oasis.data.files.photos import upright_size
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS, RAW_INSTANCES
from oasis.labels import LabelSpace

Item = TypeVar("Item")
Integers = TypeVar("Integers", bound=np.integer[Any])

GROUPS = "group regions, stored as one instance each"


@dataclass(frozen=True, eq=False)
class PanopticMap:
    """The class and the instance of each pixel.

    Attributes:
        label: (H, W) uint8 raw class ids.
        instance: (H, W) int32, `class id * 1000 + k` for the k-th instance of a class (256 for class 0); the plain
            class id for stuff and for group regions, things that could not be told apart.
    """

    label: NDArray[np.uint8]
    instance: NDArray[np.int32]

    def __post_init__(self) -> None:
        classes = np.where(self.is_single, class_of(self.instance), self.instance)
        if not np.array_equal(classes, self.label):
            raise ValueError("the instance map is not one of this label map")

    @property
    def is_single(self) -> NDArray[np.bool_]:
        """(H, W) bool: pixels that belong to a single instance."""
        return np.asarray(self.instance >= INSTANCES_PER_CLASS)

    def instances(self) -> list[int]:
        """The ids of all instances, ascending."""
        return [int(i) for i in np.unique(self.instance[self.is_single])]

    @classmethod
    def of_instance_ids(cls, ids: NDArray[np.integer[Any]], source: str) -> "PanopticMap":
        """A map from raw instance ids alone.

        Args:
            ids: (H, W) integers, see `instance`.
            source: name of the map, for the error.

        Raises:
            DatasetError: an id that is neither a class id nor one of an instance.
        """
        wrong = (ids < 0) | (ids >= RAW_INSTANCES) | ((ids >= RAW_IDS) & (ids < INSTANCES_PER_CLASS))
        if wrong.any():
            listing = ", ".join(f"{i} ({(ids == i).sum()} pixels)" for i in np.unique(ids[wrong])[:8].tolist())
            raise DatasetError(
                f"{source}: ids {listing}: neither a class id, 0 to {RAW_IDS - 1}, nor class id * 1000 + k of an "
                f"instance, up to {RAW_INSTANCES - 1}."
            )
        instance = ids.astype(np.int32)
        label = np.where(instance >= INSTANCES_PER_CLASS, class_of(instance), instance)
        return cls(label.astype(np.uint8), instance)

    @classmethod
    def of_numbers(
        cls, label: NDArray[np.uint8], number: NDArray[np.integer[Any]], single: NDArray[np.bool_]
    ) -> "PanopticMap":
        """A map from the number of each instance within its class.

        Args:
            label: (H, W) raw class ids.
            number: (H, W) integers 0..999, read where `single`.
            single: (H, W) bool, pixels that belong to a single instance.

        Raises:
            DatasetError: a number above 999.
        """
        if single.any() and number[single].max() >= INSTANCES_PER_CLASS:
            raise DatasetError(f"instance {number[single].max()} of a class: they are numbered 0 to 999.")
        return cls(label, np.where(single, first_instances(label) + number, label).astype(np.int32))


class PanopticFormat(ABC):
    """One way to store panoptic maps in files; a subclass per format.

    Args:
        space: the label space of the maps.
        max_pixels: the most pixels that a file's header may claim.

    Attributes:
        contents: the files of the format, for messages.
    """

    contents: ClassVar[str]

    def __init__(self, space: LabelSpace, max_pixels: int = MAX_PIXELS) -> None:
        self.space = space
        self.max_pixels = max_pixels
        self.things = frozenset(raw for raw, index in enumerate(space.raw_to_class) if index in space.things)

    @classmethod
    @abstractmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether a file or folder is certainly of this format."""

    @abstractmethod
    def find(self, path: Path) -> dict[str, Path]:
        """The maps in a file or folder: a name for each, without suffixes, and its main file."""

    @abstractmethod
    def read(self, path: Path) -> PanopticMap:
        """Read one map from its main file.

        Raises:
            DatasetError: a file is missing, cannot be decoded, or is not of this format.
        """

    @abstractmethod
    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Write one map.

        Returns:
            What the format cannot store, and how often; empty if the map can be restored exactly.

        Raises:
            DatasetError: the map has more instances, or higher class ids, than the format can store.
        """

    def finish(self, folder: Path) -> None:  # noqa: B027, a hook
        """Write what describes all maps of the folder together. Does nothing by default."""

    def is_thing(self, label: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(H, W) bool: pixels of classes that have instances."""
        return np.isin(label, list(self.things))

    def groups(self, panoptic: PanopticMap) -> list[int]:
        """Class ids of the things with a group region, ascending."""
        return [int(raw) for raw in np.unique(panoptic.label[self.is_thing(panoptic.label) & ~panoptic.is_single])]

    def decode(self, path: Path, *modes: str) -> NDArray[np.generic]:
        """The pixels of a picture, turned by its EXIF orientation.

        Args:
            path: of the picture.
            modes: Pillow's modes that the format uses; `I` also accepts the modes of 16 bits.

        Raises:
            DatasetError: the file is missing, cannot be decoded, or has another mode.
        """
        with open_picture(path, self.max_pixels) as picture:
            self._require_mode(picture, path, modes)
            return stored_values(picture, str(path))

    def size(self, path: Path, *modes: str) -> tuple[int, int]:
        """(width, height) of a picture, from its header alone; see `decode`."""
        with open_picture(path, self.max_pixels) as picture:
            self._require_mode(picture, path, modes)
            return upright_size(picture)

    def _require_mode(self, picture: Image.Image, path: Path, modes: Sequence[str]) -> None:
        require_id_mode(picture, str(path))
        if ("I" if picture.mode.startswith("I") else picture.mode) not in modes:
            raise WrongModeError(
                f"{path}: a picture of mode {picture.mode}, but this file has mode {' or '.join(modes)} in the "
                f"format: {self.contents}."
            )


def first_instances(raw: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """`oasis.label_files.first_instance` of each class id."""
    return np.where(raw == 0, RAW_IDS, raw.astype(np.int32)) * INSTANCES_PER_CLASS


def numbered_within(
    label: NDArray[np.uint8], number: NDArray[Integers], single: NDArray[np.bool_]
) -> NDArray[Integers]:
    """The instances of each class, counted from 0 in the order of their numbers within the picture.

    Args:
        label: (H, W) raw class ids.
        number: (H, W) integers, read where `single`.
        single: (H, W) bool, pixels that belong to a single instance.

    Returns:
        (H, W), 0..999; 0 where not `single`.

    Raises:
        ForeignIdsError: more than 1000 instances of a class.
    """
    within = np.zeros_like(number)
    for raw in np.unique(label[single]).tolist():
        mask = single & (label == raw)
        numbers, place = np.unique(number[mask], return_inverse=True)
        if len(numbers) > INSTANCES_PER_CLASS:
            raise ForeignIdsError(
                f"{len(numbers)} instances of the raw label id {raw} in one map, more than {INSTANCES_PER_CLASS}: is "
                "it a map of instances?"
            )
        within[mask] = place.reshape(-1)
    return within


def class_of(instances: NDArray[Integers]) -> NDArray[Integers]:
    """The class id of ids of single instances."""
    return np.asarray(instances // INSTANCES_PER_CLASS % RAW_IDS)


def save(path: Path, values: NDArray[np.integer[Any]]) -> None:
    """Write a PNG of 8 or 16 bits; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, format="PNG")


def pictures(path: Path, ending: str = ".png") -> dict[str, Path]:
    """The files with this ending in a folder, at any depth, by their relative path without it; or the file itself.

    Hidden files and folders are passed over.
    """
    if path.is_file():
        return {path.name.removesuffix(ending): path}
    found = (each for each in sorted(path.rglob(f"*{ending}")) if not is_hidden(each.relative_to(path)))
    return {each.relative_to(path).as_posix().removesuffix(ending): each for each in found}


def first(items: Iterable[Item]) -> Item | None:
    """The first item, None if there is none."""
    return next(iter(items), None)


def free_number(taken: set[int], most: int, what: str) -> int:
    """The lowest number that is not taken.

    Raises:
        DatasetError: all of 0..most are taken.
    """
    number = next((number for number in range(most + 1) if number not in taken), None)
    if number is None:
        raise DatasetError(f"{what}: the format has room for {most + 1} instances only.")
    return number
