"""Formats with one grey picture of 16 bits per map."""

from abc import abstractmethod
from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oasis.data.panoptic.base import GROUPS, PanopticFormat, PanopticMap, free_number, pictures, save
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS

_HIGHEST = 65535


class _GreyFormat(PanopticFormat):
    """`class id * factor + instance` in 16 bits. Such files do not say which factor: they are never recognized."""

    factor: ClassVar[int]

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Never: 16-bit grey pictures of both formats look alike."""
        return False

    def find(self, path: Path) -> dict[str, Path]:
        """All PNG files."""
        return pictures(path)

    def read(self, path: Path) -> PanopticMap:
        """Numbers of stuff, such as the 1 of 7001, are ignored."""
        return self.understand(self.decode(path, "I").astype(np.int64), str(path))

    def understand(self, ids: NDArray[np.int64], source: str) -> PanopticMap:
        """The map of these pixels.

        Args:
            ids: (H, W) int64, 0 or above.
            source: name of the map, for the error.

        Raises:
            DatasetError: a class above 255.
        """
        label, number = np.divmod(ids, self.factor)
        if label.max() > 255:
            highest = f"class {label.max()} (id {ids.max()})"
            raise DatasetError(f"{source}: {highest}, but there are 256 at the most: {self.contents}.")
        thing = self.is_thing(label.astype(np.uint8))
        return self.numbered(label.astype(np.uint8), number, thing)

    @abstractmethod
    def numbered(self, label: np.ndarray, number: np.ndarray, thing: np.ndarray) -> PanopticMap:
        """A map from classes, stored numbers, and pixels of things."""

    def _save(self, path: Path, classes: np.ndarray, number: np.ndarray) -> None:
        ids = classes.astype(np.int64) * self.factor + number
        if ids.max() > _HIGHEST:
            raise DatasetError(
                f"{path}: class {ids.max() // self.factor} does not fit into 16 bits, which end at class "
                f"{_HIGHEST // self.factor}. Use --to coco."
            )
        save(path, ids.astype(np.uint16))


class PanopticIdsFormat(_GreyFormat):
    """16-bit PNG, `class id * 1000 + instance` everywhere; instance 0 = none, instances count from 1.

    Source: the output of many panoptic segmenters, such as Panoptic-DeepLab (`label_divisor` 1000).
    """

    contents: ClassVar[str] = "16-bit grey, class id * 1000 + instance, instance 0 = none"
    factor: ClassVar[int] = INSTANCES_PER_CLASS

    def numbered(self, label: np.ndarray, number: np.ndarray, thing: np.ndarray) -> PanopticMap:
        """Instance n is number n - 1 of its class."""
        return PanopticMap.of_numbers(label, np.maximum(number - 1, 0), thing & (number > 0))

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless for classes up to 65 and up to 999 instances per class."""
        number = np.where(panoptic.is_single, panoptic.instance % INSTANCES_PER_CLASS + 1, 0)
        if number.max() == INSTANCES_PER_CLASS:
            raise DatasetError(f"{name}: instance 999 of a class, but the format has room for 0 to 998.")
        self._save(folder / f"{name}.png", panoptic.label, number)
        return Counter()


class MapillaryFormat(_GreyFormat):
    """16-bit PNG, `class id * 256 + k`, where k counts the instances of a class from 0; 0 for stuff.

    There are no group regions: they are written as one more instance of their class.

    Source: Neuhold et al. 2017, and the demo script of Mapillary Vistas.
    """

    contents: ClassVar[str] = "16-bit grey, class id * 256 + k"
    factor: ClassVar[int] = 256

    def numbered(self, label: np.ndarray, number: np.ndarray, thing: np.ndarray) -> PanopticMap:
        """Each pixel of a thing belongs to an instance."""
        return PanopticMap.of_numbers(label, number, thing)

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless without group regions, and with up to 256 instances per class."""
        number = np.where(panoptic.is_single, panoptic.instance % INSTANCES_PER_CLASS, 0)
        if number.max() >= self.factor:
            raise DatasetError(f"{name}: instance {number.max()} of a class, but the format has room for 0 to 255.")
        groups = self.groups(panoptic)
        for raw in groups:
            taken = set(
                (panoptic.instance[panoptic.is_single & (panoptic.label == raw)] % INSTANCES_PER_CLASS).tolist()
            )
            number[panoptic.instance == raw] = free_number(taken, self.factor - 1, f"{name}: class {raw}")
        self._save(folder / f"{name}.png", panoptic.label, number)
        return Counter({GROUPS: len(groups)}) if groups else Counter()
