"""How instance maps are stored, and the raw instance ids that they become."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oasis.data.files import reading
from oasis.data.panoptic import FORMATS, PanopticFormat
from oasis.data.panoptic.base import class_of, first_instances, numbered_within
from oasis.errors import ConfigurationError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS
from oasis.labels import LabelSpace

_ANY_THING = LabelSpace(
    names=tuple(map(str, range(RAW_IDS))),
    palette=tuple((raw, raw, raw) for raw in range(RAW_IDS)),
    things=frozenset(range(RAW_IDS)),
    ignore_index=0,
    raw_to_class=tuple(range(RAW_IDS)),
    evaluated=frozenset(range(1, RAW_IDS)),
)  # files are read before the classes are known; void is 0


class InstanceMaps(ABC):
    """One way to store instances, a picture per sample.

    Attributes:
        contents: of such a picture, for messages.
    """

    contents: ClassVar[str]

    @abstractmethod
    def size(self, path: Path, max_pixels: int) -> tuple[int, int]:
        """(width, height) from the header alone; see `Dataset.instance_size`."""

    @abstractmethod
    def read(self, path: Path, max_pixels: int) -> NDArray[np.int32]:
        """(H, W) int32, the numbers in the file; see `Dataset.read_instance`."""

    @abstractmethod
    def ids(self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace) -> NDArray[np.int32]:
        """Raw instance ids; see `Dataset.instance_ids`."""


class CityscapesInstances(InstanceMaps):
    """16 bits: `class id * 1000 + k` for things, else the class id."""

    contents: ClassVar[str] = "16-bit grey, class id * 1000 + k, else the class id"

    def size(self, path: Path, max_pixels: int) -> tuple[int, int]:
        """See `InstanceMaps.size`."""
        return reading.check_instance_header(path, max_pixels)

    def read(self, path: Path, max_pixels: int) -> NDArray[np.int32]:
        """See `InstanceMaps.read`."""
        return reading.read_instance_ids(path, max_pixels).astype(np.int32)

    def ids(self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace) -> NDArray[np.int32]:
        """The numbers as they are."""
        return instance


class PanopticInstances(InstanceMaps):
    """A panoptic format whose picture holds the class of each pixel too; that of the label map has to agree.

    Args:
        form: the format.
        mode: of its pictures, see `PanopticFormat.decode`.
    """

    def __init__(self, form: type[PanopticFormat], mode: str) -> None:
        self.form = form
        self.mode = mode
        self.contents = form.contents  # type: ignore[misc]

    def size(self, path: Path, max_pixels: int) -> tuple[int, int]:
        """See `InstanceMaps.size`."""
        return self.form(_ANY_THING, max_pixels).size(path, self.mode)

    def read(self, path: Path, max_pixels: int) -> NDArray[np.int32]:
        """`class id * 1000 + k` (256 for class 0) also for the segments of stuff."""
        return self.form(_ANY_THING, max_pixels).read(path).instance

    def classes(self, path: Path, max_pixels: int) -> NDArray[np.uint8]:
        """(H, W) uint8, the class of each pixel; 0 for void."""
        return self.form(_ANY_THING, max_pixels).read(path).label

    def ids(self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace) -> NDArray[np.int32]:
        """Those of things; a segment of stuff is none."""
        single = instance >= INSTANCES_PER_CLASS
        raw = np.where(single, class_of(instance), instance)
        return np.where(single & _are_things(raw, label_space), instance, raw).astype(np.int32)


class SPADEInstances(InstanceMaps):
    """8 bits: a copy of the label map, over which each thing is painted with its number."""

    contents: ClassVar[str] = "8-bit grey, the label map with the numbers of things painted over it"

    def size(self, path: Path, max_pixels: int) -> tuple[int, int]:
        """See `InstanceMaps.size`."""
        return reading.check_label_header(path, max_pixels)

    def read(self, path: Path, max_pixels: int) -> NDArray[np.int32]:
        """Numbers 0..255."""
        return reading.read_label_ids(path, max_pixels).astype(np.int32)

    def ids(self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace) -> NDArray[np.int32]:
        """Those of things that were painted over: numbers other than the label."""
        return number_things(label, instance, instance != label, label_space)


class ADE20KInstances(InstanceMaps):
    """RGB: green is the number of the instance, 0 = none; red numbers the classes in its own way and is not read."""

    contents: ClassVar[str] = "the instance map of ADE20K (red = class, green = instance)"

    def size(self, path: Path, max_pixels: int) -> tuple[int, int]:
        """See `InstanceMaps.size`."""
        return reading.check_color_header(path, self.contents, max_pixels)

    def read(self, path: Path, max_pixels: int) -> NDArray[np.int32]:
        """Numbers 0..255."""
        return reading.read_colors(path, self.contents, max_pixels)[:, :, 1].astype(np.int32)

    def ids(self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace) -> NDArray[np.int32]:
        """Those of things with a number."""
        return number_things(label, instance, instance > 0, label_space)


class NumberedInstances(InstanceMaps):
    """Grey of any number of bits: each object of a picture has a number of its own, 0 = none."""

    contents: ClassVar[str] = "grey, a number for each object, 0 = none"

    def size(self, path: Path, max_pixels: int) -> tuple[int, int]:
        """See `InstanceMaps.size`."""
        return reading.check_label_header(path, max_pixels)

    def read(self, path: Path, max_pixels: int) -> NDArray[np.int32]:
        """Numbers from 0."""
        return reading.read_numbers(path, max_pixels)

    def ids(self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace) -> NDArray[np.int32]:
        """Things with a number; those of a class are counted from 0 in the order of their numbers."""
        single = (instance > 0) & _are_things(label, label_space)
        return number_things(label, numbered_within(label, instance, single), single, label_space)


INSTANCE_FORMATS: Mapping[str, InstanceMaps] = {
    "cityscapes": CityscapesInstances(),
    "numbers": NumberedInstances(),
    "panoptic_ids": PanopticInstances(FORMATS["panoptic_ids"], "I"),
    "mapillary": PanopticInstances(FORMATS["mapillary"], "I"),
    "bdd100k": PanopticInstances(FORMATS["bdd100k"], "RGBA"),
    "spade": SPADEInstances(),
    "ade20k": ADE20KInstances(),
}
"""By name: panoptic formats with one picture of instances per sample, and `numbers`."""


def find_instance_format(name: str, setting: str = "data.instance_format=") -> InstanceMaps:
    """The format of this name.

    Args:
        name: a key of `INSTANCE_FORMATS`.
        setting: what named it, for the error.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in INSTANCE_FORMATS:
        listing = "; ".join(f"{each} ({kind.contents})" for each, kind in INSTANCE_FORMATS.items())
        advice = " COCO's maps need their JSON: data=coco_panoptic, or `oasis convert`." if name == "coco" else ""
        raise ConfigurationError(f"{setting}{name}: no such format of instance maps; choose one of {listing}.{advice}")
    return INSTANCE_FORMATS[name]


def number_things(
    label: NDArray[np.uint8], number: NDArray[np.int32], single: NDArray[np.bool_], label_space: LabelSpace
) -> NDArray[np.int32]:
    """Raw instance ids of the pairs (label, number).

    Args:
        label: (H, W) uint8 raw label ids.
        number: (H, W) int32 in 0..999, of the instance among those of its label.
        single: (H, W) bool, where `number` means an instance if the label is a thing.
        label_space: which labels are things.

    Returns:
        (H, W) int32: `label * 1000 + number` for single things (256 for label 0), the label elsewhere.
    """
    numbered = first_instances(label) + number
    return np.where(_are_things(label, label_space) & single, numbered, label).astype(np.int32)


def _are_things(raw: NDArray[np.integer[Any]], label_space: LabelSpace) -> NDArray[np.bool_]:
    """Where raw label ids are those of things."""
    return np.asarray(np.isin(label_space.raw_to_class, [*label_space.things])[raw])
