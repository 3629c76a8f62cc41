"""Buses and trucks: long boxes with a livery of their own."""

from random import Random

from oasis.streets.brush import Brush, part
from oasis.streets.camera import Place, Point3
from oasis.streets.cars import wheels
from oasis.streets.light import Colour, toned, vivid
from oasis.streets.solid import Solid, box

_GLASS: Colour = (46, 56, 66)


def bus(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A city bus with a band of windows, doors on its right and a coloured skirt."""
    upper, skirt = vivid(rng, (0.0, 0.85), (0.6, 0.95)), vivid(rng, (0.4, 0.95), (0.3, 0.85))
    body = _boxed(brush, place, (11.5, 3.05, 1.27), upper, ident)
    panes = rng.randint(5, 7)
    for right in (True, False):
        wall = _wall(body, right)
        _panel(brush, wall, (0.0, 1.0, 0.0, 0.3), skirt, right)
        for i in range(panes):
            _panel(brush, wall, ((i + 0.14) / panes, (i + 0.94) / panes, 0.44, 0.84), _GLASS, right)
        if right:
            for door in (0.3, 0.86):
                _panel(brush, wall, (door, door + 0.1, 0.04, 0.86), toned(_GLASS, 1.3), right)
    for end in (1, 3):  # front and rear; the front's first corner is its top
        face = body.edge(end)
        upright = face if end == 3 else [face[2], face[3], face[0], face[1]]
        if brush.face(part(upright, 0.0, 1.0, 0.0, 0.28), skirt):
            brush.face(part(upright, 0.07, 0.93, 0.42 if end == 1 else 0.55, 0.82), _GLASS)
            brush.lamp(part(upright, 0.3, 0.7, 0.87, 0.96), (232, 168, 40))
            _lamps(brush, upright, (240, 238, 220) if end == 1 else (190, 24, 24))
    wheels(brush, place, 1.27, (-3.4, 3.4), 0.48, ident, near=True)


def truck(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A delivery truck: a cargo box with a sign on it, behind a cab."""
    cargo, cab = vivid(rng, (0.0, 0.5), (0.55, 0.95)), vivid(rng, (0.3, 0.95), (0.3, 0.9))
    sign = vivid(rng, (0.4, 0.95), (0.3, 0.9))
    brush.shadow(place, 1.2, 3.8)
    wheels(brush, place, 1.15, (-2.4, 2.6), 0.46, ident)
    box(place, -3.7, 3.6, 0.45, 0.8, 0.95).paint(brush, (40, 40, 44), ident)
    cab_box = box(place, 2.05, 3.75, 0.5, 2.35, 1.1)
    cargo_box = box(place, -3.75, 1.95, 0.8, 3.1, 1.2)
    away = place.at(0, 0, 1)[2] > place.z
    for part_box, colour in ((cab_box, cab), (cargo_box, cargo)) if away else ((cargo_box, cargo), (cab_box, cab)):
        part_box.paint(brush, colour, ident)
        if part_box is cab_box:
            face = cab_box.edge(1)
            brush.face(part(face, 0.08, 0.92, 0.1, 0.48), _GLASS)
            _lamps(brush, [face[2], face[3], face[0], face[1]], (240, 238, 220))
    for right in (True, False):
        _panel(brush, _wall(cargo_box, right), (0.15, 0.85, 0.35, 0.75), sign, right)
        _panel(brush, _wall(cab_box, right), (0.3, 0.9, 0.52, 0.9), _GLASS, right)
    if brush.face(part(cargo_box.edge(3), 0.04, 0.96, 0.04, 0.95), toned(cargo, 0.86)):
        brush.face(part(cargo_box.edge(3), 0.49, 0.51, 0.04, 0.95), toned(cargo, 0.5))
        brush.lamp(part(cargo_box.edge(3), 0.02, 0.12, 0.0, 0.06), (196, 24, 24))
        brush.lamp(part(cargo_box.edge(3), 0.88, 0.98, 0.0, 0.06), (196, 24, 24))
    wheels(brush, place, 1.15, (-2.4, 2.6), 0.46, ident, near=True)


def _boxed(brush: Brush, place: Place, size: tuple[float, float, float], colour: Colour, ident: int) -> Solid:
    length, height, half = size
    brush.shadow(place, half, length / 2)
    wheels(brush, place, half - 0.1, (-0.3 * length, 0.3 * length), 0.48, ident)
    body = box(place, -length / 2, length / 2, 0.34, height, half)
    body.paint(brush, colour, ident)
    return body


def _wall(body: Solid, right: bool) -> list[Point3]:
    # Both sides with the same first corner (rear, low), so that fractions mean the same on either.
    return body.side(right=True) if right else body.side(right=False)[::-1]


def _panel(
    brush: Brush,
    wall: list[Point3],
    patch: tuple[float, float, float, float],
    colour: Colour,
    right: bool,
) -> None:
    outline = part(wall, *patch)
    brush.face(outline if right else outline[::-1], colour)


def _lamps(brush: Brush, upright: list[Point3], colour: Colour) -> None:
    for left in (0.05, 0.82):
        patch = part(upright, left, left + 0.13, 0.1, 0.18)
        brush.lamp(patch, colour)
