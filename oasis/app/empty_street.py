"""An empty map, as a start for drawing."""

import numpy as np
from numpy.typing import NDArray

from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap, Synthesizer
from oasis.synthesis.examples import Example

_HORIZON = 0.45  # share of the height
_ROOF, _KERB = 0.12, 0.16  # shares of height and width at the picture's border
_STREET = ("sky", "building", "sidewalk", "road")


def empty_start(model: Synthesizer) -> Example:
    """A street without people or vehicles if the model has its classes, else a canvas of one class.

    That class is the ignored one, or the first one if no id of a map is ignored; the example's name has it.
    """
    space, shape = model.label_space, (model.height, model.width)
    drawable = {space.names[index] for index in space.evaluated if index in space.raw_to_class}
    if drawable >= {*_STREET}:
        name, label = "Empty street", empty_street(*shape, space)
    else:
        raw = next(raw for raw, index in enumerate(space.raw_to_class) if index >= 0)
        if space.ignore_index in space.raw_to_class:
            raw = space.raw_to_class.index(space.ignore_index)
        name = f"Empty canvas ({space.names[space.raw_to_class[raw]]})"
        label = np.full(shape, raw, np.uint8)
    return Example(name, LabelMap(label, label.astype(np.int32), space, name.lower()))


def empty_street(height: int, width: int, label_space: LabelSpace) -> NDArray[np.uint8]:
    """Sky, houses on both sides, pavements, and a road to the horizon.

    Returns:
        (height, width) uint8 raw ids of the classes of these names, which `label_space` must have.
    """
    y = ((np.arange(height) + 0.5) / height)[:, None]
    x = ((np.arange(width) + 0.5) / width)[None]
    aside = np.abs(x - 0.5) * 2  # 0 in the middle, 1 at the border
    near = np.clip((y - _HORIZON) / (1 - _HORIZON), 0, 1)  # 0 at the horizon, 1 at the bottom
    sky, building, sidewalk, road = (_raw_id(label_space, name) for name in _STREET)
    label = np.full((height, width), sky, dtype=np.uint8)
    houses = (aside > 0.16) & (y > _HORIZON - (_HORIZON - _ROOF) * aside)
    label[houses] = building
    ground = np.broadcast_to(y > _HORIZON + 0.05 * (1 - aside), label.shape)
    label[ground] = sidewalk
    label[ground & (aside < 0.1 + (1 - _KERB) * near * 1.1)] = road
    return label


def _raw_id(label_space: LabelSpace, name: str) -> int:
    return label_space.raw_to_class.index(label_space.names.index(name))
