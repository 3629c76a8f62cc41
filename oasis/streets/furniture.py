"""Street furniture: lamps, signs, traffic lights, fences, walls, bins."""

from random import Random

from oasis.streets.brush import Brush
from oasis.streets.camera import Place, Point3
from oasis.streets.kinds import Kind
from oasis.streets.light import Colour, toned, varied, vivid
from oasis.streets.solid import box

_STEEL: Colour = (122, 126, 128)


def lamp(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A street lamp whose arm reaches over the road."""
    high, reach = rng.uniform(6.0, 9.0), rng.uniform(0.8, 2.2) * (-1 if place.x > 0 else 1)
    steel = varied(_STEEL, rng, 24)
    at = place.at
    brush.stroke(at(0, 0, 0), at(0, high, 0), (0.2, 0.12), steel, ident)
    brush.stroke(at(0, high, 0), at(reach, high + 0.3, 0), (0.12, 0.1), steel, ident)
    brush.stroke(at(reach * 0.8, high + 0.22, 0), at(reach * 1.3, high + 0.34, 0), (0.24, 0.2), (206, 206, 200), ident)


def bollard(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A knee-high post."""
    colour = rng.choice(((60, 62, 66), (168, 168, 166), (150, 40, 36)))
    brush.stroke(place.at(0, 0, 0), place.at(0, 0.95, 0), (0.14, 0.14), colour, ident)
    brush.stroke(place.at(0, 0.72, 0), place.at(0, 0.84, 0), (0.14, 0.14), (236, 236, 230))


def traffic_sign(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """One or two plates on a pole: prohibition, warning, or direction."""
    top = rng.uniform(2.3, 3.2)
    at = place.at
    brush.stroke(at(0, 0, 0), at(0, top + 0.2, 0), (0.09, 0.09), _STEEL, int(Kind.POLE))
    for _ in range(rng.choice((1, 1, 2))):
        rng.choice((_round_plate, _warning_plate, _square_plate))(brush, place, rng, ident, top)
        top -= 0.8


def traffic_light(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """Three lamps in a housing on a pole, perhaps a second set on an arm over the road."""
    at = place.at
    lit = rng.randrange(3)
    arm = rng.uniform(2.2, 3.6) * (-1 if place.x > 0 else 1) if rng.random() < 0.5 else 0.0
    high = 5.2 if arm else 3.2
    brush.stroke(at(0, 0, 0), at(0, high, 0), (0.18, 0.14), (92, 96, 98), int(Kind.POLE))
    spots: list[tuple[float, float]] = [(0.0, 2.4)]
    if arm:
        brush.stroke(at(0, high, 0), at(arm, high + 0.1, 0), (0.14, 0.1), (92, 96, 98), int(Kind.POLE))
        spots.append((arm, high - 0.55))
    for across, low in spots:
        brush.card(_rectangle(place, across, 0.2, (low, low + 1.1)), (26, 28, 28), ident)
        for i, colour in enumerate(((226, 40, 30), (238, 180, 40), (40, 206, 110))):
            brush.ball(at(across, low + 0.9 - 0.34 * i, -0.02), 0.13, colour if i == lit else toned(colour, 0.25))


def fence(brush: Brush, place: Place, rng: Random, ident: int, *, length: float) -> None:
    """A railing along the street; as in Cityscapes, its label covers what is seen through it."""
    colour = varied(rng.choice(((70, 76, 74), (150, 148, 140), (124, 88, 58), (52, 84, 62))), rng, 14)
    high = rng.uniform(0.95, 1.7)
    at = place.at
    for piece in range(0, int(length), 3):
        end = min(length, piece + 3)
        panel = [at(0, 0, piece), at(0, 0, end), at(0, high, end), at(0, high, piece)]
        brush.veil(panel, toned(colour, 0.7), 0.55, ident)
    bars = int(length / 0.35)
    for i in range(bars):
        along = length * i / bars
        if place.z + along < 2 or brush.pixels(0.08, place.z + along) < 0.5:
            continue
        brush.stroke(at(0, 0, along), at(0, high, along), (0.06, 0.06), colour)
    for up in (0.15, high - 0.05):
        start = max(0.0, 2.0 - place.z)
        if start < length:
            rail = [at(0, up - 0.06, start), at(0, up - 0.06, length), at(0, up, length), at(0, up, start)]
            brush.card(rail, colour)


def wall(brush: Brush, place: Place, rng: Random, ident: int, *, length: float) -> None:
    """A free-standing wall along the street, of courses of stone with a coping."""
    stone = varied(rng.choice(((168, 160, 150), (150, 96, 76), (128, 126, 122), (190, 176, 150))), rng, 14)
    high = rng.uniform(1.2, 2.3)
    body = box(place, 0, length, 0, high, 0.18)
    body.paint(brush, stone, ident)
    inner = -0.19 if place.x > 0 else 0.19
    at = place.at
    for course in range(1, int(high / 0.3)):
        up = 0.3 * course
        if brush.pixels(0.05, max(3.0, place.z)) > 0.4:
            joint = [at(inner, up, 0), at(inner, up, length), at(inner, up + 0.05, length), at(inner, up + 0.05, 0)]
            brush.card(joint, toned(stone, 0.78))
    coping = [at(inner, high - 0.14, 0), at(inner, high - 0.14, length), at(inner, high, length), at(inner, high, 0)]
    brush.card(coping, toned(stone, 1.2))


def bin_or_box(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A litter bin, a switch box or an advertising column."""
    colour = vivid(rng, (0.1, 0.8), (0.25, 0.8))
    half, high = rng.choice(((0.28, 1.0), (0.5, 1.2), (0.6, 2.8)))
    box(place, -half, half, 0, high, half).paint(brush, colour, ident)
    if high > 2:
        brush.card(_rectangle(place, 0, half * 0.8, (0.7, 2.3), -half), vivid(rng, (0.4, 0.9), (0.5, 0.95)))
    else:
        brush.card(_rectangle(place, 0, half, (high - 0.16, high), -half), toned(colour, 0.6))


def _rectangle(
    place: Place, across: float, half: float, heights: tuple[float, float], along: float = -0.01
) -> list[Point3]:
    low, high = heights
    at = place.at
    return [
        at(across - half, low, along),
        at(across + half, low, along),
        at(across + half, high, along),
        at(across - half, high, along),
    ]


def _round_plate(brush: Brush, place: Place, rng: Random, ident: int, up: float) -> None:
    rim, inside = rng.choice((((200, 30, 36), (240, 240, 236)), ((30, 70, 170), (40, 86, 190)), ((200, 30, 36),) * 2))
    brush.ball(place.at(0, up, -0.03), 0.38, rim, ident)
    brush.ball(place.at(0, up, -0.04), 0.28, inside)
    brush.card(_rectangle(place, 0, 0.2, (up - 0.06, up + 0.06), -0.05), (236, 236, 236))


def _warning_plate(brush: Brush, place: Place, rng: Random, ident: int, up: float) -> None:
    at = place.at
    for size, colour, mark in ((0.46, (204, 34, 38), ident), (0.28, (242, 240, 232), None)):
        brush.card([at(-size, up - 0.6 * size, 0), at(size, up - 0.6 * size, 0), at(0, up + size, 0)], colour, mark)
    brush.card(_rectangle(place, 0, 0.04, (up - 0.1, up + 0.1 + 0.05 * rng.random())), (20, 20, 20))


def _square_plate(brush: Brush, place: Place, rng: Random, ident: int, up: float) -> None:
    colour = rng.choice(((28, 84, 186), (236, 190, 40), (236, 236, 232), (30, 120, 70)))
    half = rng.choice((0.32, 0.32, 0.9))
    brush.card(_rectangle(place, 0, half, (up - 0.34, up + 0.34)), colour, ident)
    light = (245, 245, 240) if sum(colour) < 450 else (30, 30, 34)
    brush.card(_rectangle(place, 0, half * 0.6, (up + 0.05, up + 0.16), -0.02), light)
    brush.card(_rectangle(place, 0.0, half * 0.45, (up - 0.16, up - 0.06), -0.02), light)
