"""Houses: boxes along the street with windows, shops and roofs."""

import math
from dataclasses import dataclass
from functools import cached_property
from random import Random

from oasis.streets.brush import Brush
from oasis.streets.camera import Place, Point3
from oasis.streets.light import Colour, toned, varied, vivid

_PLASTER: tuple[Colour, ...] = (
    (214, 202, 178),
    (196, 168, 132),
    (178, 92, 70),
    (150, 76, 60),
    (222, 216, 206),
    (168, 172, 170),
    (206, 178, 108),
    (140, 134, 128),
    (172, 190, 186),
    (222, 188, 170),
)
_ROOFS: tuple[Colour, ...] = ((132, 66, 52), (92, 62, 54), (70, 72, 80), (54, 52, 54))
_GLASS: tuple[Colour, ...] = ((58, 68, 82), (76, 92, 108), (48, 52, 58), (104, 122, 138))


@dataclass(frozen=True)
class _Looks:
    wall: Colour
    frame: Colour
    glass: Colour
    roof: Colour
    storeys: int
    storey: float  # metres
    bay: float  # metres from window to window
    ribbon: bool  # one band of glass per storey instead of windows
    shop: Colour | None
    balconies: bool
    ridge: float  # metres above the eaves, 0 for a flat roof

    @property
    def height(self) -> float:
        return self.storeys * self.storey + 0.8


@dataclass(frozen=True)
class _Wall:
    """An upright face from the ground, its left and right end as seen from outside."""

    left: Point3
    right: Point3

    @cached_property
    def length(self) -> float:
        return math.dist(self.left, self.right)

    def patch(self, start: float, end: float, low: float, high: float) -> list[Point3]:
        """A rectangle on the wall, in metres from its left end and above the ground."""
        (x0, _, z0), (x1, _, z1) = self.left, self.right
        s, e = start / self.length, end / self.length
        xs, zs, xe, ze = x0 + s * (x1 - x0), z0 + s * (z1 - z0), x0 + e * (x1 - x0), z0 + e * (z1 - z0)
        return [(xs, low, zs), (xe, low, ze), (xe, high, ze), (xs, high, zs)]


def building(brush: Brush, place: Place, rng: Random, ident: int, *, length: float, depth: float, storeys: int) -> None:
    """A house whose street front starts at the place and runs `length` metres on; x tells the street side."""
    looks = _looks(rng, storeys)
    outward = 1 if place.x > 0 else -1
    x, far, near = place.x, place.z + length, place.z
    back = x + outward * depth
    if outward > 0:
        front, gable = _Wall((x, 0, far), (x, 0, near)), _Wall((x, 0, near), (back, 0, near))
    else:
        front, gable = _Wall((x, 0, near), (x, 0, far)), _Wall((back, 0, near), (x, 0, near))
    if looks.ridge:
        _roof(brush, (x, back), (near, far), looks, ident)
    for wall in (gable, front):
        if wall is gable and near < 1.5:
            continue
        if brush.face(wall.patch(0, wall.length, 0, looks.height), looks.wall, ident):
            _storeys(brush, wall, looks, shop=wall is front)


def _looks(rng: Random, storeys: int) -> _Looks:
    wall = varied(rng.choice(_PLASTER), rng, 16)
    return _Looks(
        wall=wall,
        frame=toned(wall, rng.choice((1.2, 0.72, 1.35))),
        glass=varied(rng.choice(_GLASS), rng, 10),
        roof=varied(rng.choice(_ROOFS), rng, 10),
        storeys=storeys,
        storey=rng.uniform(2.9, 3.5),
        bay=rng.uniform(2.1, 3.4),
        ribbon=rng.random() < 0.2,
        shop=vivid(rng, (0.3, 0.9), (0.35, 0.95)) if rng.random() < 0.45 else None,
        balconies=rng.random() < 0.2,
        ridge=rng.uniform(2.0, 4.5) if storeys < 6 and rng.random() < 0.6 else 0.0,
    )


def _roof(brush: Brush, across: tuple[float, float], along: tuple[float, float], looks: _Looks, ident: int) -> None:
    (x, back), (near, far), eaves = across, along, looks.height
    middle, top = (x + back) / 2, eaves + looks.ridge
    if near > 1.5:
        brush.card([(x, eaves, near), (back, eaves, near), (middle, top, near)], looks.wall, ident)
    slope: list[Point3] = [(x, eaves, near), (x, eaves, far), (middle, top, far), (middle, top, near)]
    brush.card(slope, looks.roof, ident)


def _storeys(brush: Brush, wall: _Wall, looks: _Looks, shop: bool) -> None:
    bays = max(1, int(wall.length / looks.bay))
    bay = wall.length / bays
    nearest = max(1.0, min(wall.left[2], wall.right[2]))
    foreshortened = abs(wall.left[0] - wall.right[0]) / wall.length + 6.0 / (nearest + 6.0)
    if brush.pixels(looks.storey, nearest) < 1.5:
        return
    fine = brush.pixels(bay, nearest) * foreshortened > 5
    for storey in range(looks.storeys):
        low = storey * looks.storey
        if storey == 0 and shop and looks.shop:
            _shop(brush, wall, looks, looks.shop)
        elif looks.ribbon or not fine:
            glass = looks.glass if looks.ribbon else _mixed(looks.wall, looks.glass)
            _decal(brush, wall, (0.3, wall.length - 0.3, low + 1.0, low + looks.storey - 0.5), glass)
        else:
            _windows(brush, wall, looks, low, bays)
    _decal(brush, wall, (0, wall.length, looks.height - 0.35, looks.height), looks.frame)
    _decal(brush, wall, (0, wall.length, 0, 0.5), toned(looks.wall, 0.72))


def _windows(brush: Brush, wall: _Wall, looks: _Looks, low: float, bays: int) -> None:
    bay, high = wall.length / bays, low + looks.storey - 0.55
    near = max(1.0, min(wall.left[2], wall.right[2]))
    close = brush.pixels(0.25, near) > 1.5
    for i in range(bays):
        start, end = (i + 0.26) * bay, (i + 0.74) * bay
        if close:
            _decal(brush, wall, (start - 0.14, end + 0.14, low + 0.78, high + 0.14), looks.frame)
        _decal(brush, wall, (start, end, low + 0.9, high), looks.glass)
        if close:
            _decal(brush, wall, (start, (start + end) / 2 - 0.05, low + 1.6, high), toned(looks.glass, 1.3))
    if looks.balconies and low > 2 and close:
        _decal(brush, wall, (0.2 * bay, wall.length - 0.2 * bay, low + 0.1, low + 0.85), toned(looks.frame, 0.9))


def _shop(brush: Brush, wall: _Wall, looks: _Looks, colour: Colour) -> None:
    top, length = looks.storey, wall.length
    _decal(brush, wall, (0.3, length - 0.3, 0.5, top - 0.75), toned(looks.glass, 0.8))
    panes = max(2, int(length / 3))
    for i in range(1, panes):
        x = length * i / panes
        _decal(brush, wall, (x - 0.12, x + 0.12, 0.4, top - 0.7), toned(looks.wall, 0.9))
    _decal(brush, wall, (0.1, length - 0.1, top - 0.75, top - 0.05), colour)
    for i in range(int(length / 1.1)):  # lettering, as much as can be made out
        if i % 4:
            _decal(brush, wall, (1.1 * i, 1.1 * i + 0.6, top - 0.55, top - 0.25), (240, 238, 230))


def _decal(brush: Brush, wall: _Wall, patch: tuple[float, float, float, float], colour: Colour) -> None:
    brush.face(wall.patch(*patch), colour)


def _mixed(a: Colour, b: Colour) -> Colour:
    return 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), 0.5 * (a[2] + b[2])
