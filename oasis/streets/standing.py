"""Where things can stand so that each of them can be seen in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from oasis.streets.camera import Camera, Place, Point
from oasis.streets.solid import box

_ROWS = 64  # of the raster that stands for the picture, at any size of the picture
_METRES = (24.0, 32.0)  # of the ground that is looked at: across, and ahead of the camera
_FINE = 5  # samples of the ground per metre
_SMALLEST = 80  # cells of the raster, that is pixels at 64x128
_SHARE = 0.36  # of a thing that nothing nearer hides

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Extent:
    """The room that a thing takes, in metres.

    Attributes:
        half: half of its width.
        length: from end to end.
        height: above the ground.
    """

    half: float
    length: float
    height: float


@dataclass(frozen=True)
class _Standing:
    ground: Mask
    seen: Mask
    z: float


class Standings:
    """What stands in the near part of a street.

    A thing is refused where another one stands, where little of it would be seen, and where it would hide most of
    another one: an annotator would not tell such things apart.

    Args:
        camera: what sees them.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._size = (round(camera.aspect * _ROWS), _ROWS)
        self._standing: list[_Standing] = []

    def takes(self, place: Place, extent: Extent) -> bool:
        """Whether a thing can stand there; if so, the room is taken."""
        ground = _footprint(place, extent)
        if any((ground & other.ground).any() for other in self._standing):
            return False
        new = _Standing(ground, self._silhouette(place, extent), place.z)
        together = [new, *self._standing]
        if not all(self._can_be_seen(one, together) for one in together):
            return False
        self._standing.append(new)
        return True

    def _can_be_seen(self, one: _Standing, among: Sequence[_Standing]) -> bool:
        hidden = np.zeros_like(one.seen)
        for other in among:
            if other.z < one.z:
                hidden |= other.seen
        visible = np.count_nonzero(one.seen & ~hidden)
        return bool(visible >= max(_SMALLEST, _SHARE * np.count_nonzero(one.seen)))

    def _silhouette(self, place: Place, extent: Extent) -> Mask:
        body = box(place, -extent.length / 2, extent.length / 2, 0.0, extent.height, extent.half)
        faces = (self._camera.project(face) for face in body.faces())
        return _filled([[(u * _ROWS, v * _ROWS) for u, v in face] for face in faces], self._size)


def _footprint(place: Place, extent: Extent) -> Mask:
    wide, ahead = _METRES
    ends = ((1, 1), (1, -1), (-1, -1), (-1, 1))
    corners = [place.at(extent.half * across, 0.0, extent.length / 2 * along) for across, along in ends]
    flat = [((x + wide / 2) * _FINE, z * _FINE) for x, _, z in corners]
    return _filled([flat], (int(wide * _FINE), int(ahead * _FINE)))


def _filled(polygons: Sequence[Sequence[Point]], size: tuple[int, int]) -> Mask:
    picture = Image.new("1", size)
    pen = ImageDraw.Draw(picture)
    for polygon in polygons:
        if len(polygon) > 2:
            pen.polygon(list(polygon), fill=1)
    return np.asarray(picture)
