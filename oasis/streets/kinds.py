"""The raw Cityscapes ids of the streets, and the numbering of instances."""

from collections import Counter
from enum import IntEnum

import numpy as np
from cityscapesscripts.helpers.labels import labels as cityscapes_labels
from numpy.typing import NDArray

from oasis.label_files import INSTANCES_PER_CLASS


class Kind(IntEnum):
    """Raw ids as in the `labelIds` files of Cityscapes."""

    UNLABELED = 0
    EGO_VEHICLE = 1
    STATIC = 4
    DYNAMIC = 5
    ROAD = 7
    SIDEWALK = 8
    PARKING = 9
    BUILDING = 11
    WALL = 12
    FENCE = 13
    POLE = 17
    TRAFFIC_LIGHT = 19
    TRAFFIC_SIGN = 20
    VEGETATION = 21
    TERRAIN = 22
    SKY = 23
    PERSON = 24
    RIDER = 25
    CAR = 26
    TRUCK = 27
    BUS = 28
    MOTORCYCLE = 32
    BICYCLE = 33


class Register:
    """Numbers the things of one picture, per class from 0 in call order."""

    def __init__(self) -> None:
        self._taken: Counter[Kind] = Counter()

    def number(self, kind: Kind) -> int:
        """The instance id of one more thing of this kind."""
        ident = int(kind) * INSTANCES_PER_CLASS + self._taken[kind]
        self._taken[kind] += 1
        return ident

    @property
    def things(self) -> int:
        """How many were numbered so far."""
        return self._taken.total()


def labels_of(instance: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The label map (H, W) uint8 that an instance map (H, W) uint16 implies."""
    return np.where(instance >= INSTANCES_PER_CLASS, instance // INSTANCES_PER_CLASS, instance).astype(np.uint8)


def _palette() -> NDArray[np.uint8]:
    table = np.zeros((256, 3), dtype=np.uint8)
    for entry in cityscapes_labels:
        if entry.id >= 0:
            table[entry.id] = entry.color
    return table


PALETTE = _palette()
"""(256, 3) uint8: the colour of each raw id in the `color` files."""
