"""Cars: a body, a cabin on top of it, wheels, glass, lamps and a plate."""

from dataclasses import dataclass
from random import Random

from oasis.streets.brush import Brush, disc, part
from oasis.streets.camera import Place, Point3
from oasis.streets.light import Colour, toned, varied, vivid
from oasis.streets.solid import Solid, box

_GLASS: Colour = (52, 62, 74)
_TYRE: Colour = (24, 24, 27)
_SOBER: tuple[Colour, ...] = (
    (228, 228, 226),
    (176, 180, 184),
    (112, 116, 122),
    (44, 46, 52),
    (62, 66, 74),
    (206, 200, 184),
    (38, 52, 96),
    (128, 28, 34),
)


@dataclass(frozen=True)
class _Style:
    length: float
    height: float
    half: float
    belt: float  # height of the body, where the windows begin
    cabin: tuple[float, float]  # rear and front end of the cabin at the belt, fractions of half the length
    roof: tuple[float, float]  # the same at the roof


_STYLES = (
    _Style(3.9, 1.50, 0.84, 0.92, (-0.97, 0.52), (-0.84, 0.14)),  # hatchback
    _Style(4.6, 1.46, 0.88, 0.92, (-0.74, 0.48), (-0.46, 0.10)),  # saloon
    _Style(4.7, 1.50, 0.88, 0.93, (-0.98, 0.46), (-0.88, 0.10)),  # estate
    _Style(4.5, 1.72, 0.92, 1.05, (-0.97, 0.50), (-0.86, 0.16)),  # off-roader
    _Style(4.9, 1.98, 0.95, 1.10, (-0.99, 0.74), (-0.96, 0.46)),  # van
)


def car(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A car of one of several builds, in a colour of its own."""
    style = rng.choice(_STYLES)
    colour = varied(rng.choice(_SOBER), rng, 12) if rng.random() < 0.45 else vivid(rng, (0.55, 0.95), (0.4, 0.9))
    roof = vivid(rng, (0.0, 0.7), (0.2, 0.95)) if rng.random() < 0.2 else colour
    half_length, lamp = style.length / 2, rng.uniform(0.14, 0.24)
    brush.shadow(place, style.half, half_length)
    box(place, -0.46 * style.length, 0.46 * style.length, 0.14, 0.4, 0.9 * style.half).paint(brush, (20, 20, 22), ident)
    wheels(brush, place, style.half, (-0.31 * style.length, 0.31 * style.length), 0.32, ident)
    body = _body(place, style)
    body.paint(brush, colour, ident)
    cabin = _cabin(place, style)
    cabin.paint(brush, roof, ident)
    _glaze(brush, cabin)
    if brush.pixels(style.height, place.z) > 4:
        _trim(brush, body, colour, lamp)
    wheels(brush, place, style.half, (-0.31 * style.length, 0.31 * style.length), 0.32, ident, near=True)
    _extras(brush, place, style, rng, ident)


def wheels(
    brush: Brush,
    place: Place,
    half: float,
    alongs: tuple[float, ...],
    radius: float,
    ident: int,
    near: bool = False,
) -> None:
    """The wheels of one side: the far side's, to be painted before the body, or the near side's, after it."""
    for along in alongs:
        for sign in (-1, 1):
            rim = disc(place, sign * (half + 0.01 * near), radius, along, radius)
            # The far side's are seen from within, that is the other way round.
            seen = brush.face(rim if (sign > 0) == near else rim[::-1], _TYRE, ident)
            if seen and near and brush.pixels(radius, place.z) > 1.5:
                hub = disc(place, sign * (half + 0.02), radius, along, 0.58 * radius)
                brush.card(hub, (150, 152, 156))


def _body(place: Place, style: _Style) -> Solid:
    end, low, half = style.length / 2, 0.28, style.half
    bonnet = style.belt - 0.08
    return Solid(
        place,
        (
            (-end, low, half * 0.94),
            (end, low, half * 0.94),
            (end, bonnet - 0.2, half * 0.94),
            (end - 0.35, bonnet, half * 0.97),
            (style.cabin[1] * end, style.belt, half),
            (-end + 0.06, style.belt, half * 0.97),
        ),
    )


def _cabin(place: Place, style: _Style) -> Solid:
    end, half = style.length / 2, style.half
    (rear, front), (rear_top, front_top) = style.cabin, style.roof
    return Solid(
        place,
        (
            (rear * end, style.belt, half * 0.96),
            (front * end, style.belt, half * 0.96),
            (front_top * end, style.height, half * 0.78),
            (rear_top * end, style.height, half * 0.78),
        ),
    )


def _glaze(brush: Brush, cabin: Solid) -> None:
    for pane in (part(cabin.edge(1), 0.07, 0.93, 0.1, 0.96), part(cabin.edge(3), 0.1, 0.9, 0.22, 0.9)):
        if brush.face(pane, _GLASS) and brush.pixels(1.0, pane[0][2]) > 12:
            brush.veil(part(pane, 0.05, 0.5, 0.5, 0.98), (206, 222, 236), 0.28)
    for right in (False, True):
        rear, front, front_top, rear_top = cabin.side(right=True) if right else cabin.side(right=False)[::-1]
        quad = [rear, front, front_top, rear_top]
        for left, end in ((0.09, 0.46), (0.52, 0.93)):
            pane = part(quad, left, end, 0.14, 0.88)
            brush.face(pane if right else pane[::-1], _GLASS)


def _trim(brush: Brush, body: Solid, colour: Colour, lamp: float) -> None:
    rear, front = body.edge(5), body.edge(1)
    if brush.face(part(rear, 0.0, 1.0, 0.0, 0.26), toned(colour, 0.6)):
        _ends(brush, rear, lamp, (0.62, 0.9), (196, 26, 26))
        _plate(brush, part(rear, 0.34, 0.66, 0.36, 0.54))
    if brush.face(part(front, 0.0, 1.0, 0.66, 1.0), toned(colour, 0.55)):
        _ends(brush, front, lamp, (0.05, 0.34), (240, 240, 222))
        brush.face(part(front, 0.28, 0.72, 0.06, 0.4), (36, 38, 42))
        _plate(brush, part(front, 0.36, 0.64, 0.5, 0.7))


def _ends(brush: Brush, face: list[Point3], wide: float, band: tuple[float, float], colour: Colour) -> None:
    brush.lamp(part(face, 0.02, wide, *band), colour)
    brush.lamp(part(face, 1 - wide, 0.98, *band), colour)


def _plate(brush: Brush, quad: list[Point3]) -> None:
    if brush.pixels(0.5, quad[0][2]) < 2:
        return
    brush.face(quad, (226, 226, 220))
    if brush.pixels(0.1, quad[0][2]) > 1:
        brush.face(part(quad, 0.16, 0.44, 0.3, 0.7), (60, 60, 66))
        brush.face(part(quad, 0.54, 0.88, 0.3, 0.7), (60, 60, 66))


def _extras(brush: Brush, place: Place, style: _Style, rng: Random, ident: int) -> None:
    pattern = rng.random()
    if pattern < 0.08:  # a taxi's sign
        box(place, -0.1, 0.25, style.height, style.height + 0.18, 0.25).paint(brush, (236, 196, 40), ident)
    elif pattern < 0.3:  # a stripe along the side
        stripe = vivid(rng, (0.3, 0.9), (0.2, 0.95))
        end, half = style.length / 2, style.half
        for sign in (-1, 1):
            band = [
                place.at(sign * half, up, along)
                for along, up in ((-0.9 * end, 0.55), (0.8 * end, 0.55), (0.8 * end, 0.7), (-0.9 * end, 0.7))
            ]
            brush.face(band if sign > 0 else band[::-1], stripe)
