"""Everything flat: road, pavements, lawns, markings, and the sky above them."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import numpy as np
from PIL import Image

from oasis.streets.brush import Brush
from oasis.streets.camera import Point3
from oasis.streets.kinds import Kind
from oasis.streets.light import Colour, Light, toned

_FAR = 400.0
# Strips are painted in pieces, far to near: haze differs along them, and the street may bend.
_STATIONS = (_FAR, 200.0, 130.0, 95.0, 70.0, 52.0, 39.0, 29.0, 21.0, 15.0, 10.5, 7.0, 4.5, 2.5, 0.5)


def strip(
    brush: Brush,
    edges: tuple[float, float],
    colour: Colour,
    kind: Kind,
    reach: tuple[float, float] = (0.5, _FAR),
    height: float = 0.0,
) -> None:
    """A band of ground along the street between two distances from its axis, at a height above it."""
    left, right = edges
    near, far = reach
    stations = [far, *(z for z in _STATIONS if near < z < far), near]
    for back, front in pairwise(stations):
        outline: Sequence[Point3] = (
            (left, height, front),
            (right, height, front),
            (right, height, back),
            (left, height, back),
        )
        brush.card(outline, colour, int(kind))


def kerb(brush: Brush, x: float, rise: float, colour: Colour, reach: tuple[float, float]) -> None:
    """The upright edge of a pavement, which belongs to the pavement."""
    near, far = reach
    stations = [far, *(z for z in _STATIONS if near < z < far), near]
    for back, front in pairwise(stations):
        outline = [(x, 0.0, front), (x, 0.0, back), (x, rise, back), (x, rise, front)]
        brush.card(outline, colour, int(Kind.SIDEWALK))


def dashes(brush: Brush, x: float, rhythm: tuple[float, float], colour: Colour, wide: float = 0.14) -> None:
    """A lane line: dashes of a length with gaps of a length; a gap of 0 makes it unbroken."""
    length, gap = rhythm
    z = 2.0
    while z < 110:
        end = z + length
        _flat(brush, (x - wide / 2, x + wide / 2), (z, end), colour)
        z = end + gap


def zebra(brush: Brush, edges: tuple[float, float], z: float, colour: Colour) -> None:
    """A pedestrian crossing and the stop line before it."""
    x = edges[0] + 0.4
    while x + 0.5 < edges[1]:
        _flat(brush, (x, x + 0.5), (z, z + 3.2), colour)
        x += 1.0
    _flat(brush, (edges[0] + (edges[1] - edges[0]) * 0.5, edges[1] - 0.2), (z - 1.6, z - 1.2), colour)


def arrow(brush: Brush, x: float, z: float, colour: Colour) -> None:
    """An arrow straight ahead on a lane."""
    _flat(brush, (x - 0.09, x + 0.09), (z, z + 2.6), colour)
    brush.card([(x - 0.4, 0, z + 2.4), (x + 0.4, 0, z + 2.4), (x, 0, z + 4.4)], colour)


def blotches(brush: Brush, edges: tuple[float, float], colour: Colour, rng: Random) -> None:
    """Repairs, drains and manholes on the road."""
    for _ in range(rng.randint(3, 8)):
        x, z = rng.uniform(*edges), rng.uniform(5, 45)
        long, wide, shade = rng.uniform(0.5, 7), rng.uniform(0.3, 1.3), rng.uniform(0.72, 1.14)
        _flat(brush, (max(edges[0], x - wide), min(edges[1], x + wide)), (z, z + long), toned(colour, shade))


def sky(brush: Brush, rng: Random) -> None:
    """Gradient and clouds; the label map is sky to begin with."""
    brush.canvas.backdrop(_sky_picture(brush.light, brush.camera.horizon, rng))


def _flat(brush: Brush, across: tuple[float, float], along: tuple[float, float], colour: Colour) -> None:
    (left, right), (near, far) = across, along
    brush.card([(left, 0, near), (right, 0, near), (right, 0, far), (left, 0, far)], colour)


def _sky_picture(light: Light, horizon: float, rng: Random) -> Image.Image:
    rows, columns = 48, 96
    noise = np.random.default_rng(rng.getrandbits(63))
    climb = np.clip(np.linspace(1.0, 1.0 - 1.0 / horizon, rows), 0, 1)[:, None, None] ** 0.8
    clear = np.asarray(light.haze) * (1 - climb) + np.asarray(light.zenith) * climb
    cover = np.zeros((rows, columns), dtype=np.float32)
    for size, weight in ((4, 0.5), (8, 0.3), (16, 0.17), (32, 0.1)):
        # Clouds are flat: fewer columns than rows of noise for the picture's shape.
        coarse = Image.fromarray(noise.random((size, size), dtype=np.float32))
        cover += weight * np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC))
    cover = np.clip((cover - (0.75 - 0.45 * light.clouds)) * 4.0, 0, 1)[:, :, None]
    shade = 0.78 + 0.22 * np.asarray(noise.random((8, 8), dtype=np.float32))
    soft = np.asarray(Image.fromarray(shade).resize((columns, rows), Image.Resampling.BICUBIC))[:, :, None]
    cloud = (0.35 * np.asarray(light.haze) + 0.65 * np.array([246, 246, 248])) * soft
    whole = clear * (1 - 0.85 * cover) + cloud * 0.85 * cover
    return Image.fromarray(np.clip(whole, 0, 255).astype(np.uint8))
