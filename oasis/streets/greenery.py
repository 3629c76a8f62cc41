"""Trees and hedges."""

import math
from random import Random

from oasis.streets.brush import Brush
from oasis.streets.camera import Place, Point3
from oasis.streets.light import Colour, toned, varied
from oasis.streets.solid import box

_LEAVES: tuple[Colour, ...] = ((74, 104, 46), (58, 88, 44), (96, 116, 50), (70, 96, 62), (128, 112, 48), (50, 74, 44))


def tree(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A tree: a trunk and one to three overlapping masses of leaves."""
    if brush.beside(place, 6.0):
        return
    leaf = varied(rng.choice(_LEAVES), rng, 14)
    bole, wide = rng.uniform(1.8, 3.2), rng.uniform(1.7, 3.2)
    tall = wide * rng.uniform(0.9, 1.5)
    brush.shadow(place, wide * 0.8, wide * 0.6)
    at = place.at
    brush.stroke(at(0, 0, 0), at(0, bole + 0.8 * tall, 0), (0.36, 0.2), (70, 56, 44), ident)
    # All masses are drawn at random before one is painted, since the number of strokes depends on the picture's size.
    masses = [
        (rng.uniform(-0.45, 0.45) * wide, bole + tall * rng.uniform(0.85, 1.25), rng.getrandbits(32))
        for _ in range(rng.randint(1, 3))
    ]
    for across, up, seed in masses:
        _mass(brush, place, ((across, up), wide, tall), leaf, Random(seed), ident)


def hedge(brush: Brush, place: Place, rng: Random, ident: int, *, length: float) -> None:
    """A clipped hedge along the street with an uneven top."""
    leaf = varied(rng.choice(_LEAVES), rng, 10)
    high, half = rng.uniform(0.8, 1.9), 0.5
    box(place, 0, length, 0, high, half).paint(brush, leaf, ident)
    inner = -half if place.x > 0 else half
    at = place.at
    for _ in range(int(length * 4)):
        along, radius, up = rng.uniform(0.0, length), rng.uniform(0.1, 0.3), rng.uniform(0.2, high - 0.3)
        bright, dark = toned(leaf, rng.uniform(0.9, 1.2)), toned(leaf, rng.uniform(0.6, 1.05))
        tuft, spot = at(inner, high - 0.4 * radius, along), at(inner, up, along)
        if tuft[2] > 2 and brush.pixels(radius, tuft[2]) > 0.7:
            brush.ball(tuft, radius, bright, ident)
            brush.ball(spot, radius * 0.8, dark)


def _mass(
    brush: Brush,
    place: Place,
    shape: tuple[tuple[float, float], float, float],
    leaf: Colour,
    rng: Random,
    ident: int,
) -> None:
    (across, up), wide, tall = shape
    at, spread = place.at, brush.pixels(wide * place.size, place.z)
    corners = 36 if spread > 16 else 14 if spread > 4 else 8
    lobes, phase = rng.randint(5, 9), rng.uniform(0, math.pi)
    outline: list[Point3] = []
    for i in range(corners):
        angle = 2 * math.pi * i / corners
        r = 0.9 + 0.09 * abs(math.sin(lobes * angle / 2 + phase)) + rng.uniform(-0.03, 0.03)
        outline.append(at(across + r * wide * math.cos(angle), up + r * tall * math.sin(angle), 0))
    brush.card(outline, toned(leaf, 0.68), ident)
    sunny = 1 if brush.light.sun[0] > 0 else -1
    clumps = min(46, int(3 * spread**0.6)) if spread > 2 else 0
    for i in range(clumps):
        # From the shaded underside to the lit top, each clump of leaves lighter than the ones beneath.
        rise, size = i / clumps, rng.uniform(0.08, 0.19)
        y = 1.5 * (0.8 * rise + 0.2 * rng.random()) - 0.78
        x = rng.uniform(-1, 1) * math.sqrt(max(0.0, (0.86 - size) ** 2 - y * y))
        tone = 0.66 + 0.6 * rise + 0.22 * sunny * x + rng.uniform(-0.12, 0.12)
        middle = at(across + x * wide, up + y * tall, 0)
        brush.ball(middle, size * wide * place.size, toned(leaf, tone))
