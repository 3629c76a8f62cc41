"""A street without people or vehicles, as a start for drawing."""

import numpy as np
from numpy.typing import NDArray

from oasis.labels import LabelSpace

_HORIZON = 0.45  # share of the height
_ROOF, _KERB = 0.12, 0.16  # shares of height and width at the picture's border


def empty_street(height: int, width: int, label_space: LabelSpace) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Sky, houses on both sides, pavements, and a road to the horizon.

    A class that the label space does not have is replaced by its first class.

    Returns:
        The label map (height, width) uint8 of raw ids, and the instance map (height, width) int32, without
        things.
    """
    y = ((np.arange(height) + 0.5) / height)[:, None]
    x = ((np.arange(width) + 0.5) / width)[None]
    aside = np.abs(x - 0.5) * 2  # 0 in the middle, 1 at the border
    near = np.clip((y - _HORIZON) / (1 - _HORIZON), 0, 1)  # 0 at the horizon, 1 at the bottom
    label = np.full((height, width), _raw_id(label_space, "sky"), dtype=np.uint8)
    houses = (aside > 0.16) & (y > _HORIZON - (_HORIZON - _ROOF) * aside)
    label[houses] = _raw_id(label_space, "building")
    ground = np.broadcast_to(y > _HORIZON + 0.05 * (1 - aside), label.shape)
    label[ground] = _raw_id(label_space, "sidewalk")
    label[ground & (aside < 0.1 + (1 - _KERB) * near * 1.1)] = _raw_id(label_space, "road")
    return label, label.astype(np.int32)


def _raw_id(label_space: LabelSpace, name: str) -> int:
    """The raw id of a class, or that of the first class if there is none of this name."""
    drawable = [index for index in sorted(label_space.evaluated) if index in label_space.raw_to_class]
    named = [index for index in drawable if label_space.names[index] == name]
    return label_space.raw_to_class.index((named or drawable)[0])
