"""Painting in world coordinates (metres), with perspective, light and haze."""

import math
from collections.abc import Sequence
from random import Random
from typing import Protocol

from oasis.streets.camera import Camera, Place, Point, Point3
from oasis.streets.canvas import Canvas
from oasis.streets.light import Colour, Light

_ROUND = tuple((math.cos(a * math.pi / 7), math.sin(a * math.pi / 7)) for a in range(14))
_FLAT_LIGHT = 0.45  # share of sunlight on a card, which has no slant


class Brush:
    """Paints surfaces of a street on a canvas.

    Every method takes `ident`, the instance id (or bare class id) of what it paints; None paints a detail of
    what is already there, without changing the label map.
    """

    def __init__(self, canvas: Canvas, camera: Camera, light: Light) -> None:
        self.canvas = canvas
        self.camera = camera
        self.light = light
        self._even = light.ambient + _FLAT_LIGHT * light.direct

    def pixels(self, metres: float, z: float) -> float:
        """How many pixels of the finished picture a length has at depth z; below 1 it need not be painted."""
        return metres * self.camera.scale(z) * self.canvas.height

    def beside(self, place: Place, radius: float) -> bool:
        """Whether a thing with this extent to either side lies completely outside of the picture."""
        if place.z < radius + 1:
            return False
        edges = self.camera.project([(place.x + side * radius * place.size, 0.0, place.z) for side in (-1, 1)])
        return edges[1][0] < 0 or edges[0][0] > self.canvas.width / self.canvas.height

    def face(self, outline: Sequence[Point3], colour: Colour, ident: int | None = None) -> bool:
        """Paints one side of a body, lit by its slant; the outline runs counterclockwise seen from outside.

        Returns:
            Whether this side is turned to the camera; if not, nothing is painted.
        """
        flat = self.camera.project(outline)
        if len(flat) < 3 or _area(flat) >= 0:
            return False
        brightness = self.light.brightness(_normal(outline))
        self.canvas.fill(flat, self.light.seen(colour, brightness, outline[0][2]), ident)
        return True

    def card(self, outline: Sequence[Point3], colour: Colour, ident: int | None = None) -> None:
        """Paints a surface from both sides, lit evenly."""
        flat = self.camera.project(outline)
        self.canvas.fill(flat, self.light.seen(colour, self._even, outline[0][2]), ident)

    def lamp(self, outline: Sequence[Point3], colour: Colour, ident: int | None = None) -> None:
        """Paints a surface that shines by itself."""
        self.canvas.fill(self.camera.project(outline), self.light.seen(colour, 1.0, outline[0][2]), ident)

    def stroke(
        self, start: Point3, end: Point3, thick: tuple[float, float], colour: Colour, ident: int | None = None
    ) -> None:
        """Paints a limb or a bar between two points, with its thickness in metres at either end."""
        flat = self.camera.project((start, end))
        if len(flat) != 2 or min(start[2], end[2]) < 1:
            return
        (u0, v0), (u1, v1) = flat
        length = math.hypot(u1 - u0, v1 - v0) or 1e-6
        side, rise = (v1 - v0) / length / 2, (u0 - u1) / length / 2
        a, b = (self._width(t, p[2]) for t, p in zip(thick, (start, end), strict=True))
        outline = (
            (u0 + side * a, v0 + rise * a),
            (u1 + side * b, v1 + rise * b),
            (u1 - side * b, v1 - rise * b),
            (u0 - side * a, v0 - rise * a),
        )
        self.canvas.fill(outline, self.light.seen(colour, self._even, start[2]), ident)

    def ball(self, middle: Point3, radius: float, colour: Colour, ident: int | None = None) -> None:
        """Paints a disc turned to the camera."""
        if middle[2] < 1:
            return
        ((u, v),) = self.camera.project((middle,))
        r = radius * self.camera.scale(middle[2])
        outline = [(u + r * cos, v + r * sin) for cos, sin in _ROUND]
        self.canvas.fill(outline, self.light.seen(colour, self._even, middle[2]), ident)

    def veil(self, outline: Sequence[Point3], colour: Colour, opacity: float, ident: int | None = None) -> None:
        """Tints what is behind a surface, as shadows, glass and spokes do; opacity 0..1."""
        flat = self.camera.project(outline)
        self.canvas.glaze(flat, self.light.seen(colour, self._even, outline[0][2]), opacity, ident)

    def shadow(self, place: Place, half_width: float, half_length: float) -> None:
        """Darkens the ground under a thing, and beside it on the side away from the sun."""
        if self.pixels(half_length * place.size, place.z) < 1.5:
            return
        strength = 0.32 + 0.5 * self.light.direct
        shift = -self.light.sun[0] * self.light.direct * 1.6
        for grow, opacity in ((1.18, 0.4 * strength), (1.0, strength)):
            corners = [
                place.at(grow * half_width * cos * 1.1, 0.0, grow * half_length * sin * 1.1) for cos, sin in _ROUND
            ]
            moved = [(x + shift * (grow > 1), 0.0, z) for x, _, z in corners]
            self.canvas.glaze(self.camera.project(moved), (8, 9, 14), min(0.8, opacity))

    def _width(self, metres: float, z: float) -> float:
        # Below a pixel a bar would show in the label map at random.
        return max(metres * self.camera.scale(z), 0.9 / self.canvas.height)


class Drawer(Protocol):
    """Paints one thing. A new kind of thing is one such function, and a place in `scene.py` that uses it."""

    def __call__(self, brush: Brush, place: Place, rng: Random, ident: int) -> None:
        """Paints a thing at a place under an instance id; colours and patterns come from `rng` alone."""


def disc(place: Place, across: float, up: float, along: float, radius: float) -> list[Point3]:
    """A wheel's outline: a circle upright along the thing, counterclockwise seen from its right."""
    return [place.at(across, up + radius * sin, along + radius * cos) for cos, sin in _ROUND]


def part(quad: Sequence[Point3], left: float, right: float, low: float, high: float) -> list[Point3]:
    """A patch of a four-cornered face, in fractions of its width and height from its first corner."""
    return [_within(quad, s, t) for s, t in ((left, low), (right, low), (right, high), (left, high))]


def _within(quad: Sequence[Point3], s: float, t: float) -> Point3:
    a, b, c, d = (1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t
    (x0, y0, z0), (x1, y1, z1), (x2, y2, z2), (x3, y3, z3) = quad
    return (
        a * x0 + b * x1 + c * x2 + d * x3,
        a * y0 + b * y1 + c * y2 + d * y3,
        a * z0 + b * z1 + c * z2 + d * z3,
    )


def _area(flat: Sequence[Point]) -> float:
    # Twice the signed area; negative where the outline runs counterclockwise on a picture with v downwards.
    total, (u0, v0) = 0.0, flat[-1]
    for u1, v1 in flat:
        total += u0 * v1 - u1 * v0
        u0, v0 = u1, v1
    return total


def _normal(outline: Sequence[Point3]) -> Point3:
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = outline[:3]
    px, py, pz, qx, qy, qz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    # The axes are left-handed (x right, y up, z ahead), hence q x p for outlines counterclockwise from outside.
    nx, ny, nz = qy * pz - qz * py, qz * px - qx * pz, qx * py - qy * px
    length = math.sqrt(nx * nx + ny * ny + nz * nz) or 1.0
    return nx / length, ny / length, nz / length
