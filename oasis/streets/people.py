"""People on foot and on two wheels: joints in metres, limbs between them."""

import math
from random import Random

from oasis.streets.brush import Brush, disc
from oasis.streets.camera import Place
from oasis.streets.light import Colour, toned, varied, vivid

_SKINS: tuple[Colour, ...] = ((234, 196, 170), (210, 164, 132), (160, 112, 82), (104, 70, 52))
_HAIR: tuple[Colour, ...] = ((30, 24, 20), (74, 50, 32), (150, 112, 62), (120, 118, 116), (208, 184, 130))


def _clothing(rng: Random) -> tuple[Colour, Colour]:
    upper = vivid(rng, (0.0, 0.95), (0.15, 0.95))
    lower = vivid(rng, (0.1, 0.6), (0.12, 0.5)) if rng.random() < 0.75 else vivid(rng, (0.1, 0.9), (0.4, 0.9))
    return upper, lower


def person(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """Someone standing or walking, in an upper and a lower garment; perhaps with a bag or a long coat."""
    upper, lower = _clothing(rng)
    skin, hair = varied(rng.choice(_SKINS), rng, 10), varied(rng.choice(_HAIR), rng, 10)
    stride, swing = rng.uniform(0.0, 0.24), rng.uniform(0.0, 0.2)
    tall, stout = rng.uniform(0.94, 1.06), rng.uniform(0.9, 1.15)
    coat, pattern = rng.random() < 0.25, rng.random()
    at = place.at
    brush.shadow(place, 0.3, 0.22)
    hip, neck = 0.88 * tall, 1.46 * tall
    for sign in (-1, 1):
        foot = at(sign * (0.09 + stride), 0.06, sign * stride)
        brush.stroke(at(sign * 0.09, hip, 0), foot, (0.19 * stout, 0.13), lower, ident)
        brush.stroke(foot, at(sign * (0.13 + stride), 0.03, sign * stride - 0.1), (0.1, 0.1), (30, 26, 24), ident)
    for sign in (-1, 1):
        hand = at(sign * (0.25 + 0.5 * swing), 0.86 * tall, sign * swing)
        brush.stroke(at(sign * 0.21 * stout, 1.38 * tall, 0), hand, (0.13, 0.09), toned(upper, 0.86), ident)
        brush.ball(hand, 0.05, skin, ident)
    low = 0.55 * tall if coat else hip - 0.06
    torso = [at(-0.19 * stout, low, 0), at(0.19 * stout, low, 0), at(0.23 * stout, 1.4 * tall, 0)]
    torso += [at(0.08, neck, 0), at(-0.08, neck, 0), at(-0.23 * stout, 1.4 * tall, 0)]
    brush.card(torso, upper, ident)
    _shade_half(brush, place, (low, 1.4 * tall), 0.2 * stout)
    if pattern < 0.3:
        for up in (1.0, 1.14, 1.28):
            brush.stroke(at(-0.19, up * tall, 0), at(0.19, up * tall, 0), (0.05, 0.05), lower)
    elif pattern < 0.5:
        bag = vivid(rng, (0.3, 0.9), (0.2, 0.8))
        brush.card([at(a, u * tall, 0) for a, u in ((-0.15, 0.95), (0.15, 0.95), (0.14, 1.36), (-0.14, 1.36))], bag)
    brush.ball(at(0, 1.6 * tall, 0), 0.125, hair, ident)
    if math.cos(place.heading) < 0.3:  # the face, unless seen from behind
        brush.ball(at(0, 1.57 * tall, 0), 0.098, skin)


def _shade_half(brush: Brush, place: Place, heights: tuple[float, float], half: float) -> None:
    low, high = heights
    dark = -1 if brush.light.sun[0] * math.cos(place.heading) > 0 else 1
    at = place.at
    edge = [at(0.25 * dark * half, low, 0), at(dark * half, low, 0), at(dark * half, high, 0), at(0, high, 0)]
    brush.veil(edge, (10, 10, 20), 0.22)


def bicycle(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A bicycle on its two wheels. As in Cityscapes, a wheel's label covers the gaps between its spokes."""
    colour = vivid(rng, (0.3, 0.95), (0.3, 0.95))
    at = place.at
    brush.shadow(place, 0.12, 0.85)
    for along in (-0.52, 0.52):
        brush.veil(disc(place, 0, 0.34, along, 0.34), (120, 122, 126), 0.35, ident)
        rim = disc(place, 0, 0.34, along, 0.32)
        for start, end in zip(rim, [*rim[1:], rim[0]], strict=True):
            brush.stroke(start, end, (0.055, 0.055), (26, 26, 28), ident)
    pedal, seat, head = at(0, 0.3, 0.0), at(0, 0.86, -0.18), at(0, 0.84, 0.36)
    rear, front = at(0, 0.34, -0.52), at(0, 0.34, 0.52)
    for start, end in ((pedal, seat), (pedal, head), (seat, head), (rear, seat), (rear, pedal), (head, front)):
        brush.stroke(start, end, (0.06, 0.06), colour, ident)
    brush.stroke(at(-0.28, 1.0, 0.3), at(0.28, 1.0, 0.3), (0.05, 0.05), (40, 40, 44), ident)
    brush.stroke(at(0, 0.92, -0.3), at(0, 0.93, -0.06), (0.1, 0.06), (30, 26, 24), ident)


def motorcycle(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """A motorcycle or scooter: two solid wheels, a tank and a seat."""
    colour, seat = vivid(rng, (0.4, 0.95), (0.3, 0.9)), (28, 26, 26)
    at = place.at
    brush.shadow(place, 0.25, 1.0)
    for along in (-0.68, 0.7):
        for across in (-0.07, 0.07):
            brush.card(disc(place, across, 0.31, along, 0.31), (22, 22, 24), ident)
        brush.stroke(at(0, 0.05, along), at(0, 0.6, along), (0.16, 0.16), (26, 26, 28), ident)
        brush.card(disc(place, 0.08, 0.31, along, 0.17), (150, 150, 154))
    brush.stroke(at(0, 0.5, -0.6), at(0, 0.48, 0.4), (0.34, 0.34), (60, 60, 64), ident)
    brush.stroke(at(0, 0.74, -0.2), at(0, 0.84, 0.45), (0.36, 0.3), colour, ident)
    brush.stroke(at(0, 0.78, -0.85), at(0, 0.8, -0.1), (0.2, 0.24), seat, ident)
    brush.stroke(at(0, 0.95, 0.5), at(0, 0.31, 0.7), (0.12, 0.1), (110, 110, 114), ident)
    brush.stroke(at(-0.34, 1.02, 0.4), at(0.34, 1.02, 0.4), (0.06, 0.06), (36, 36, 38), ident)
    lamp = (250, 244, 214) if math.cos(place.heading) < 0 else (200, 26, 26)
    brush.ball(at(0, 0.86, 0.62 if math.cos(place.heading) < 0 else -0.9), 0.09, lamp, ident)


def rider(brush: Brush, place: Place, rng: Random, ident: int) -> None:
    """Someone on a two-wheeler that stands at the same place; paint that first."""
    upper, lower = _clothing(rng)
    skin = varied(rng.choice(_SKINS), rng, 10)
    helmet = vivid(rng, (0.0, 0.95), (0.2, 0.95)) if rng.random() < 0.7 else rng.choice(_HAIR)
    at = place.at
    hip, shoulder = at(0, 0.95, -0.2), at(0, 1.46, 0.06)
    for sign, foot_up in ((1, 0.18), (-1, 0.4)):
        knee = at(sign * 0.13, 0.62 + 0.5 * (foot_up - 0.18), 0.22)
        brush.stroke(at(sign * 0.1, 0.93, -0.16), knee, (0.19, 0.15), lower, ident)
        brush.stroke(knee, at(sign * 0.12, foot_up, 0.02), (0.14, 0.1), toned(lower, 0.9), ident)
        brush.stroke(at(sign * 0.2, 1.4, 0.04), at(sign * 0.26, 1.03, 0.3), (0.12, 0.09), toned(upper, 0.86), ident)
    brush.stroke(hip, shoulder, (0.32, 0.42), upper, ident)
    if rng.random() < 0.35:
        brush.stroke(at(0, 1.05, -0.2), at(0, 1.36, -0.08), (0.26, 0.26), vivid(rng, (0.3, 0.9), (0.2, 0.9)))
    brush.ball(at(0, 1.64, 0.12), 0.125, skin, ident)
    brush.ball(at(0, 1.69, 0.1), 0.12, helmet, ident)
