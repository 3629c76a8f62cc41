"""Validated label maps: the class of each pixel and, if known, its instance."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from oasis.data.files import reading
from oasis.errors import ConfigurationError, DatasetError
from oasis.label_files import INSTANCES_PER_CLASS
from oasis.labels import LabelSpace


@dataclass(frozen=True)
class Segment:
    """The segment of a pixel.

    Attributes:
        name: of its class, such as `car`.
        instance_id: as in instanceIds, such as 26003; None for stuff, for group regions, and if instances are
            unknown.
        mask: (H, W) bool, all pixels of the same segment.
    """

    name: str
    instance_id: int | None
    mask: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A label map that was checked against a label space; see `open_label_map`.

    Attributes:
        label: (H, W) uint8 raw class ids, as in labelIds; all in `label_space`.
        instance: (H, W) int32 raw instance ids, as in training: class id * 1000 + k for instances (256 for class 0),
            below 1000 elsewhere. None if instances are unknown.
        label_space: maps the raw ids to classes.
        source: name of the map in messages.
        remarks: notes of the reader, such as the detected format.
        replaced: classes of the file that are another in `label_space`, `NAME as OTHER` -> pixels.

    Raises:
        DatasetError: arrays of another shape or type, or ids outside the label space.
    """

    label: NDArray[np.uint8]
    instance: NDArray[np.int32] | None
    label_space: LabelSpace
    source: str = "label map"
    remarks: tuple[str, ...] = ()
    replaced: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.label.dtype != np.uint8 or self.label.ndim != 2 or not self.label.size:
            raise DatasetError(
                f"{self.source}: label has shape {self.label.shape} and {self.label.dtype}; it must be (H, W) and "
                "uint8. open_label_map reads maps of other kinds."
            )
        if self.instance is not None and not (
            self.instance.shape == self.label.shape and self.instance.dtype == np.int32
        ):
            raise DatasetError(
                f"{self.source}: instance has shape {self.instance.shape} and {self.instance.dtype}; it must be "
                f"{self.label.shape}, as the label, and int32."
            )
        self.label_space.check(self.label, self.source)

    @property
    def notes(self) -> tuple[str, ...]:
        """The remarks, and the classes that were replaced."""
        return (*self.remarks, *(f"{what}: {pixels} pixels" for what, pixels in self.replaced.items()))

    @property
    def height(self) -> int:
        """H."""
        return int(self.label.shape[0])

    @property
    def width(self) -> int:
        """W."""
        return int(self.label.shape[1])

    @cached_property
    def class_indices(self) -> NDArray[np.int16]:
        """(H, W) int16, the class index of each pixel in the label space."""
        return np.asarray(self.label_space.raw_to_class, np.int16)[self.label]

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that occur, in the order of the label space."""
        present = {self.label_space.raw_to_class[raw] for raw in self._raw_ids}
        return tuple(self.label_space.names[index] for index in sorted(present))

    @cached_property
    def instance_ids(self) -> tuple[int, ...]:
        """Ids of the instances that occur, as in instanceIds, ascending; empty if they are unknown."""
        if self.instance is None:
            return ()
        return tuple(np.unique(self.instance[self._individual]).tolist())

    @property
    def has_things(self) -> bool:
        """Whether any pixel is of a thing class."""
        return any(self.label_space.raw_to_class[raw] in self.label_space.things for raw in self._raw_ids)

    def class_mask(self, name: str) -> NDArray[np.bool_]:
        """The mask of a class.

        Args:
            name: of the class, as in the label space.

        Returns:
            (H, W) bool.

        Raises:
            ConfigurationError: there is no such class, or it does not occur here; the message lists those that do.
        """
        present = ", ".join(self.class_names)
        if name not in self.label_space.names:
            raise ConfigurationError(
                f"{name!r} is no class of this label space. In {self.source} there are: {present}."
            )
        if name not in self.class_names:
            raise ConfigurationError(f"{self.source} has no {name}. There are: {present}.")
        return np.asarray(self.class_indices == self.label_space.names.index(name))

    def instance_mask(self, instance_id: int) -> NDArray[np.bool_]:
        """The mask of an instance.

        Args:
            instance_id: as in instanceIds, such as 26003.

        Returns:
            (H, W) bool.

        Raises:
            ConfigurationError: instances are unknown, or there is no such one; the message lists those that occur.
        """
        if self.instance is None:
            raise ConfigurationError(
                f"{self.source}: instance {instance_id} is asked for, but individuals are not known. Give the "
                "instance map (*_instanceIds.png) too."
            )
        if instance_id not in self.instance_ids:
            listing = ", ".join(map(str, self.instance_ids)) or "none"
            raise ConfigurationError(f"{self.source} has no instance {instance_id}. There are: {listing}.")
        return np.asarray(self.instance == instance_id)

    def segment_at(self, row: int, column: int) -> Segment:
        """The segment of a pixel: its instance, else all pixels of its class without instances.

        Args:
            row: 0 at the top.
            column: 0 at the left.

        Raises:
            ConfigurationError: outside of the map.
        """
        if not (0 <= row < self.height and 0 <= column < self.width):
            raise ConfigurationError(
                f"{self.source} is {self.width}x{self.height} (width x height): there is no row {row}, column {column}."
            )
        class_index = int(self.class_indices[row, column])
        name = self.label_space.names[class_index]
        if self.instance is not None and self._individual[row, column]:
            instance_id = int(self.instance[row, column])
            return Segment(name, instance_id, np.asarray(self.instance == instance_id))
        return Segment(name, None, (self.class_indices == class_index) & ~self._individual)

    def resized(self, height: int, width: int) -> Self:
        """The same map in another size, by nearest neighbour."""
        if (height, width) == (self.height, self.width):
            return self
        instance = None if self.instance is None else reading.nearest(self.instance, height, width)
        return replace(self, label=reading.nearest(self.label, height, width), instance=instance)

    @cached_property
    def _raw_ids(self) -> list[int]:
        """The raw class ids that occur, ascending."""
        return np.flatnonzero(np.bincount(self.label.reshape(-1))).tolist()

    @cached_property
    def _individual(self) -> NDArray[np.bool_]:
        """(H, W) bool: pixels with an instance, except raw things that are void in the label space."""
        if self.instance is None:
            return np.zeros(self.label.shape, np.bool_)
        is_thing = np.array([index in self.label_space.things for index in self.label_space.raw_to_class])
        return np.asarray((self.instance >= INSTANCES_PER_CLASS) & is_thing[self.label])
