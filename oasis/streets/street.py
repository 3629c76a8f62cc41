"""One street scene, from a seed to pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from oasis.streets.brush import Brush
from oasis.streets.camera import Camera
from oasis.streets.canvas import Canvas
from oasis.streets.crowds import crowd, crowded_camera, crowded_layout
from oasis.streets.ground import arrow, blotches, dashes, kerb, sky, strip, zebra
from oasis.streets.kinds import PALETTE, Kind, labels_of
from oasis.streets.layout import Frontage, Layout, Side
from oasis.streets.light import Colour, Light, toned, varied
from oasis.streets.scene import Scene, furnish
from oasis.streets.texture import finish
from oasis.streets.traffic import populate

_ASPHALT: tuple[Colour, ...] = ((96, 96, 100), (112, 110, 108), (82, 84, 90), (124, 118, 114))
_PAVING: tuple[Colour, ...] = ((164, 158, 152), (150, 150, 152), (172, 152, 138), (140, 134, 128))
_GRASS: tuple[Colour, ...] = ((104, 126, 62), (122, 128, 70), (92, 112, 66), (138, 124, 82))
_PAINT: Colour = (226, 226, 220)

_Parts = tuple[
    Callable[[Random, float], Camera], Callable[[Random], Layout], Callable[[Scene, Layout, Camera, Random], None]
]


@dataclass(frozen=True)
class Street:
    """A street scene and its annotation.

    Attributes:
        photo: (H, W, 3) uint8 RGB.
        label: (H, W) uint8, raw Cityscapes ids 0..33.
        instance: (H, W) uint16 as in Cityscapes: id * 1000 + k for a thing, the plain id for all else.
        color: (H, W, 3) uint8, the label map in the colours of Cityscapes.
    """

    photo: NDArray[np.uint8]
    label: NDArray[np.uint8]
    instance: NDArray[np.uint16]
    color: NDArray[np.uint8]


def draw_street(seed: np.random.SeedSequence, height: int, width: int) -> Street:
    """Draws a street scene.

    The composition depends on the seed (and the pictures' shape) alone: the same seed gives the same street at
    64x128 and at 1024x2048, apart from the grain.

    Args:
        seed: decides everything.
        height: H, at least 32.
        width: W, at least 32.

    Returns:
        The photo, its label map, instance map and colour map.
    """
    return _draw(seed, height, width, (Camera.drawn, Layout.drawn, populate))


def draw_crowd(seed: np.random.SeedSequence, height: int, width: int) -> Street:
    """Draws a street scene of few things near the camera, most of which touch others of their class.

    No thing is mostly hidden, or far away: at 64x128, most have 60 pixels or more. There are no regions of a thing
    class without instances. All else is as for `draw_street`.

    Args:
        seed: decides everything.
        height: H, at least 32.
        width: W, at least 32.

    Returns:
        The photo, its label map, instance map and colour map.
    """
    return _draw(seed, height, width, (crowded_camera, crowded_layout, crowd))


def _draw(seed: np.random.SeedSequence, height: int, width: int, parts: _Parts) -> Street:
    draw_camera, draw_layout, add_things = parts
    words = seed.generate_state(4, np.uint64)
    rng = Random(int(words[0]))
    camera, light, layout = draw_camera(rng, width / height), Light.drawn(rng), draw_layout(rng)
    brush = Brush(Canvas(height, width), camera, light)
    scene = Scene(Random(int(words[1])))
    furnish(scene, layout, rng)
    add_things(scene, layout, camera, Random(int(words[2])))
    sky(brush, rng)
    _ground(brush, layout, rng)
    scene.paint(brush)
    _hood(brush, width / height, rng)
    photo, instance = brush.canvas.finished()
    label = labels_of(instance)
    textured = finish(photo, label, camera, light, np.random.default_rng(words[3]))
    return Street(textured, label, instance, PALETTE[label])


def _ground(brush: Brush, layout: Layout, rng: Random) -> None:
    asphalt, paint = varied(rng.choice(_ASPHALT), rng, 8), toned(_PAINT, rng.uniform(0.72, 1.0))
    for side in layout.sides:
        _side_ground(brush, side, asphalt, rng)
    road = (-layout.left.road, layout.right.road)
    strip(brush, road, asphalt, Kind.ROAD)
    blotches(brush, road, asphalt, rng)
    width = layout.lanes[1] - layout.lanes[0]
    for i, lane in enumerate(layout.lanes[:-1]):
        centre_line = i + 1 == sum(x < layout.lanes[layout.own] - 2 for x in layout.lanes)
        rhythm = (8.0, 0.0) if centre_line and rng.random() < 0.4 else (3.0, rng.choice((3.0, 5.0)))
        dashes(brush, lane + width / 2, rhythm, paint)
    for side in layout.sides:
        if rng.random() < 0.5:
            dashes(brush, side.x(side.road - 0.12), (8.0, 0.0) if rng.random() < 0.5 else (1.0, 1.0), paint, 0.12)
    if layout.crossing is not None:
        zebra(brush, road, layout.crossing, paint)
        arrow(brush, layout.lanes[layout.own], max(4.0, layout.crossing - 9), paint)


def _side_ground(brush: Brush, side: Side, asphalt: Colour, rng: Random) -> None:
    grass, paving = varied(rng.choice(_GRASS), rng, 10), varied(rng.choice(_PAVING), rng, 10)
    beyond = Kind.SIDEWALK if side.frontage is Frontage.HOUSES else Kind.TERRAIN
    rise, whole = 0.13, (0.5, 400.0)
    outer = paving if beyond is Kind.SIDEWALK else grass
    strip(brush, side.span(side.plot - 0.05, 300.0), outer, beyond, height=rise)
    strip(brush, side.span(side.walk, side.plot), paving, Kind.SIDEWALK, height=rise)
    if side.verge:
        strip(brush, side.span(side.kerb, side.walk), grass, Kind.TERRAIN, height=rise)
    kerb_stone = toned(paving, 1.15)
    strip(brush, side.span(side.kerb, side.kerb + 0.2), kerb_stone, Kind.SIDEWALK, height=rise)
    kerb(brush, side.x(side.kerb), rise, toned(paving, 0.72), whole)
    if side.parking:
        strip(brush, side.span(side.road, side.kerb), toned(asphalt, rng.uniform(0.8, 1.2)), side.parking_kind)


def _hood(brush: Brush, aspect: float, rng: Random) -> None:
    # The bonnet of the car that carries the camera, in the pictures of some mountings.
    present, colour = rng.random() < 0.6, varied(rng.choice(((50, 54, 60), (96, 100, 106), (34, 36, 44))), rng, 9)
    top, bulge = rng.uniform(0.9, 0.96), rng.uniform(0.02, 0.05)
    if not present:
        return
    steps = [i / 24 for i in range(25)]
    rim = [(aspect * s, top + bulge * (2 * s - 1) ** 2 * 2) for s in steps]
    seen = brush.light.seen
    brush.canvas.fill([*rim, (aspect, 1.05), (0.0, 1.05)], seen(colour, 0.9, 0.0), int(Kind.EGO_VEHICLE))
    for i in range(5):  # the sky's reflection, stronger towards the rim
        band = [(u, v + 0.008 * i) for u, v in rim]
        lower = [(u, v + 0.012) for u, v in reversed(band)]
        brush.canvas.fill([*band, *lower], seen(toned(colour, 1.7 - 0.14 * i), 0.9, 0.0), None)
