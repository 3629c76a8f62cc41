"""Projection of the street's points to the picture.

World points are metres: x to the right of the camera, y above the ground, z ahead. Picture points are
fractions of the picture's height from its top left corner, so that a scene is composed alike at all sizes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Self

Point = tuple[float, float]
Point3 = tuple[float, float, float]

_NEAR = 0.9  # metres; nearer parts are clipped, since points behind the camera cannot be projected


@dataclass(frozen=True)
class Camera:
    """A pinhole camera behind a windscreen.

    Attributes:
        focal: focal length in picture heights.
        horizon: height of the horizon from the top, a fraction of the picture's height.
        centre: where straight ahead lies from the left, in picture heights.
        eye: metres above the ground.
        bend: the street's curvature, metres sideways per square metre ahead; negative bends left.
        aspect: width of the picture, in picture heights.
    """

    focal: float
    horizon: float
    centre: float
    eye: float
    bend: float
    aspect: float

    @classmethod
    def drawn(cls, rng: Random, aspect: float) -> Self:
        """A camera of random but plausible mounting for pictures `aspect` times as wide as high."""
        return cls(
            focal=rng.uniform(1.2, 1.65),
            horizon=rng.uniform(0.41, 0.48),
            centre=aspect * rng.uniform(0.43, 0.57),
            eye=rng.uniform(1.35, 1.75),
            bend=rng.choice((0.0, rng.gauss(0, 0.0006))),
            aspect=aspect,
        )

    def project(self, points: Sequence[Point3]) -> list[Point]:
        """Picture points of a polygon, cut at the near plane; empty if all of it is too near."""
        if min([point[2] for point in points]) < _NEAR:
            points = _cut_near(points)
        focal, horizon, centre, eye, bend = self.focal, self.horizon, self.centre, self.eye, self.bend
        return [(centre + focal * (x / z + bend * z), horizon + focal * (eye - y) / z) for x, y, z in points]

    def scale(self, z: float) -> float:
        """Picture heights per metre at depth z."""
        return self.focal / max(z, _NEAR)


@dataclass(frozen=True)
class Place:
    """Where a thing stands and which way it faces; its own axes are across (its right), up, and along.

    Attributes:
        x: metres right of the camera.
        z: metres ahead.
        heading: radians; 0 faces away from the camera, pi towards it, pi/2 to the right.
        size: scale of the thing.
        base: metres above the ground of what it stands on.
    """

    x: float
    z: float
    heading: float = 0.0
    size: float = 1.0
    base: float = 0.0

    def at(self, across: float, up: float, along: float) -> Point3:
        """The world point of a point in the thing's own metres."""
        sin, cos = self._turn
        size = self.size
        return (
            self.x + size * (across * cos + along * sin),
            self.base + size * up,
            self.z + size * (along * cos - across * sin),
        )

    @cached_property
    def _turn(self) -> tuple[float, float]:
        return math.sin(self.heading), math.cos(self.heading)


def _cut_near(points: Sequence[Point3]) -> list[Point3]:
    kept: list[Point3] = []
    for (x0, y0, z0), (x1, y1, z1) in zip(points, [*points[1:], points[0]], strict=True):
        if z0 >= _NEAR:
            kept.append((x0, y0, z0))
        if (z0 >= _NEAR) != (z1 >= _NEAR):
            t = (_NEAR - z0) / (z1 - z0)
            kept.append((x0 + t * (x1 - x0), y0 + t * (y1 - y0), _NEAR))
    return kept
