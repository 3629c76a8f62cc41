"""Drawing strokes into a label map."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from oasis.errors import ConfigurationError
from oasis.label_files import INSTANCES_PER_CLASS, first_instance
from oasis.labels import LabelSpace

_LEAST = 0.71  # pixels: no point is farther than this from the nearest pixel's centre
MOST_POINTS = 4000  # of one stroke; a hand that draws for a minute makes fewer


@dataclass(frozen=True)
class Stroke:
    """One stroke of the brush, as the browser sends it.

    Attributes:
        raw_id: the drawn class, an id as in a label map.
        points: (x, y) as shares of the picture's width and height, in 0..1; others lie outside the picture.
        radius: of the round brush, as a share of the picture's height.
        filled: also fill the enclosed area, with the ends joined by a straight line.
    """

    raw_id: int
    points: tuple[tuple[float, float], ...]
    radius: float
    filled: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.points) <= MOST_POINTS:
            raise ConfigurationError(f"A stroke has 1 to {MOST_POINTS} points, not {len(self.points)}.")
        if not 0 < self.radius <= 1:
            raise ConfigurationError(f"A brush of radius {self.radius}: it has to be above 0 and at most 1.")
        if not all(-4 <= share <= 5 for point in self.points for share in point):  # NaN is in no range
            raise ConfigurationError("A stroke has points far outside the picture, or some that are no numbers.")

    @classmethod
    def from_message(cls, message: object) -> "Stroke":
        """From a message of a browser, which may be anything.

        Raises:
            ConfigurationError: it is no stroke.
        """
        fields = message if isinstance(message, dict) else {}
        try:
            raw_id, radius, filled = int(fields["raw_id"]), float(fields["radius"]), bool(fields.get("filled"))
            points = tuple((float(x), float(y)) for x, y in fields["points"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ConfigurationError("What the browser sent is no stroke. Load the page anew.") from error
        return cls(raw_id, points, radius, filled)

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """The pixels (height, width) whose centres the brush covered, and at least one for a point in the picture."""
        corners = np.asarray(self.points) * (width, height) - 0.5  # pixel centres have integer coordinates
        radius = max(self.radius * height, _LEAST)
        mask = np.zeros((height, width), dtype=np.bool_)
        for start, end in zip(corners, corners[1:] if len(corners) > 1 else corners, strict=False):
            _add_capsule(mask, start, end, radius)
        if self.filled and len(corners) > 2:
            inside = Image.new("1", (width, height))
            ImageDraw.Draw(inside).polygon([(x, y) for x, y in corners.tolist()], fill=1)
            mask |= np.asarray(inside)
        return mask


def _add_capsule(mask: NDArray[np.bool_], start: NDArray[np.float64], end: NDArray[np.float64], radius: float) -> None:
    """Mark the pixels no farther than `radius` from the line between two points (x, y)."""
    low = np.maximum(np.floor(np.minimum(start, end) - radius), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(start, end) + radius) + 1, mask.shape[::-1]).astype(int)
    if (low >= high).any():
        return
    x = np.arange(low[0], high[0], dtype=np.float64) - start[0]
    y = np.arange(low[1], high[1], dtype=np.float64)[:, None] - start[1]
    way = end - start
    along = np.clip((x * way[0] + y * way[1]) / max(float(way @ way), 1e-12), 0, 1)
    near = (x - along * way[0]) ** 2 + (y - along * way[1]) ** 2 <= radius**2
    mask[low[1] : high[1], low[0] : high[0]] |= near


@dataclass(frozen=True)
class _Before:
    """The contents of a rectangle before a stroke."""

    place: tuple[slice, slice]
    label: NDArray[np.uint8]
    instance: NDArray[np.int32]


class Drawing:
    """A label map and its instance map, with a brush and undo.

    Each stroke of a thing class is a new instance. The picture is computed from ids, never from colours, so that the
    edge of a brush cannot produce other classes.

    Args:
        label: (H, W) uint8 of raw ids.
        instance: (H, W) int32 raw instance ids.
        label_space: defines the thing classes.
        undo: how many strokes can be taken back.
    """

    def __init__(
        self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace, undo: int = 100
    ) -> None:
        self.label = label.copy()
        self.instance = instance.copy()
        self.label_space = label_space
        self._history: deque[_Before] = deque(maxlen=undo)

    @property
    def strokes(self) -> int:
        """How many strokes can be taken back."""
        return len(self._history)

    def draw(self, stroke: Stroke) -> int:
        """Draw a stroke.

        Returns:
            The new value in the instance map: `id * 1000 + k` for a thing (256 for class 0), the plain id otherwise.

        Raises:
            ConfigurationError: the id is unknown, or the map has the largest number of instances of the class.
        """
        known = 0 <= stroke.raw_id < len(self.label_space.raw_to_class)
        index = self.label_space.raw_to_class[stroke.raw_id] if known else -1
        if index < 0:
            raise ConfigurationError(f"There is no class of the id {stroke.raw_id} to draw with.")
        ident = self._new_instance(stroke.raw_id) if index in self.label_space.things else stroke.raw_id
        mask = stroke.mask(*self.label.shape)
        place = _bounds(mask)
        self._history.append(_Before(place, self.label[place].copy(), self.instance[place].copy()))
        self.label[mask] = stroke.raw_id
        self.instance[mask] = ident
        return ident

    def undo(self) -> bool:
        """Undo the last stroke; False if there is none."""
        if not self._history:
            return False
        before = self._history.pop()
        self.label[before.place] = before.label
        self.instance[before.place] = before.instance
        return True

    def _new_instance(self, raw_id: int) -> int:
        """The lowest unused instance id of this class."""
        first = first_instance(raw_id)
        taken = self.instance[self.instance >= first]
        free = np.setdiff1d(np.arange(first, first + INSTANCES_PER_CLASS), taken)
        if not len(free):
            raise ConfigurationError(
                f"No more of class {raw_id} can be told apart: an instance map has room for {INSTANCES_PER_CLASS} of a "
                "class. Take strokes back, or start from another map."
            )
        return int(free[0])


def _bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The bounding box of a mask; empty for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
