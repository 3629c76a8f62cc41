"""The upright objects of one street, painted from far to near."""

import math
from dataclasses import dataclass
from functools import partial
from random import Random

from oasis.streets.brush import Brush, Drawer
from oasis.streets.buildings import building
from oasis.streets.camera import Place
from oasis.streets.furniture import (
    bin_or_box,
    bollard,
    fence,
    lamp,
    traffic_light,
    traffic_sign,
    wall,
)
from oasis.streets.greenery import hedge, tree
from oasis.streets.kinds import Kind
from oasis.streets.layout import Frontage, Layout, Side


@dataclass(frozen=True)
class Item:
    """One upright object of the scene.

    Attributes:
        draw: paints it.
        place: where it stands.
        ident: what it is in the instance map.
        seed: of its own colours and pattern, independent of all other items'.
        depth: metres ahead, by which items are painted from far to near.
    """

    draw: Drawer
    place: Place
    ident: int
    seed: int
    depth: float

    def paint(self, brush: Brush) -> None:
        """Paints it where it stands."""
        self.draw(brush, self.place, Random(self.seed), self.ident)


class Scene:
    """Collects the items of a street.

    Args:
        rng: where their seeds come from.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._items: list[Item] = []

    def add(self, draw: Drawer, place: Place, ident: int, depth: float | None = None) -> None:
        """Adds an item; `depth` where its middle is not what decides the order."""
        seed = self._rng.getrandbits(60)
        self._items.append(Item(draw, place, int(ident), seed, place.z if depth is None else depth))

    def paint(self, brush: Brush) -> None:
        """Paints all items, the farthest first."""
        for item in sorted(self._items, key=lambda item: -item.depth):
            item.paint(brush)


def furnish(scene: Scene, layout: Layout, rng: Random) -> None:
    """Adds everything that is not a thing: houses, greenery, poles, fences."""
    _vista(scene, rng)
    green = rng.random()
    for side in layout.sides:
        if side.frontage is Frontage.HOUSES:
            _houses(scene, rng, side, side.plot)
        elif side.frontage is Frontage.GARDENS:
            _boundary(scene, rng, side)
            _houses(scene, rng, side, side.plot + rng.uniform(3, 7))
            _trees(scene, rng, side, (side.plot + 2.0, side.plot + 4.0), 13.0)
        else:
            if rng.random() < 0.6:
                _boundary(scene, rng, side)
            for _ in range(2):
                _trees(scene, rng, side, (side.plot + 1.5, side.plot + 16.0), 6.0)
        if rng.random() < green and side.frontage is not Frontage.PARK:
            _trees(scene, rng, side, (side.kerb + 0.5, side.kerb + 1.0), rng.uniform(9, 18))
        _posts(scene, rng, side)
    if layout.crossing is not None:
        for side in layout.sides:
            scene.add(traffic_light, Place(side.x(side.kerb + 0.5), layout.crossing + 0.5), Kind.TRAFFIC_LIGHT)


def _vista(scene: Scene, rng: Random) -> None:
    # The end of the street.
    for _ in range(10):
        x, z = rng.uniform(-90, 90), rng.uniform(150, 260)
        if rng.random() < 0.5:
            scene.add(tree, Place(x, z, size=rng.uniform(1.5, 3.0)), Kind.VEGETATION)
        else:
            block = partial(building, length=12.0, depth=rng.uniform(12, 30), storeys=rng.randint(3, 7))
            scene.add(block, Place(x, z), Kind.BUILDING)
    for x in range(-130, 140, 18):
        scene.add(tree, Place(x + rng.uniform(-5, 5), 290.0, size=rng.uniform(2.2, 4.0)), Kind.VEGETATION)


def _houses(scene: Scene, rng: Random, side: Side, line: float) -> None:
    z, usual = rng.uniform(-8, 4), rng.choice((2, 3, 4, 4, 5, 6))
    while z < 135:
        length, storeys = rng.uniform(8, 19), max(1, usual + rng.randint(-1, 2))
        draw = partial(building, length=length, depth=rng.uniform(9, 14), storeys=storeys)
        scene.add(draw, Place(side.x(line + rng.uniform(0, 0.8)), z), Kind.BUILDING, depth=z + length)
        z += length + (rng.uniform(4, 12) if rng.random() < 0.22 else 0.0)


def _boundary(scene: Scene, rng: Random, side: Side) -> None:
    z = rng.uniform(0, 6)
    while z < 90:
        length = rng.uniform(7, 16)
        drawer, kind = rng.choice(((wall, Kind.WALL), (fence, Kind.FENCE), (hedge, Kind.VEGETATION)))
        place = Place(side.x(side.plot + 0.4), z)
        scene.add(partial(drawer, length=length), place, kind, depth=z + length)
        z += length + rng.choice((0.0, 0.0, 3.0))


def _trees(scene: Scene, rng: Random, side: Side, band: tuple[float, float], every: float) -> None:
    z = rng.uniform(7, 7 + every)
    while z < 110:
        place = Place(side.x(rng.uniform(*band)), z, size=rng.uniform(0.8, 1.35))
        scene.add(tree, place, Kind.VEGETATION)
        z += every * rng.uniform(0.7, 1.4) * (1 + z / 70)  # farther off, one tree hides the next


def _posts(scene: Scene, rng: Random, side: Side) -> None:
    x = side.x(side.kerb + 0.45)
    start, every = rng.uniform(9, 24), rng.uniform(18, 30)
    for i in range(4):
        scene.add(lamp, Place(x, start + i * every), Kind.POLE)
    for _ in range(rng.randint(1, 4)):
        place = Place(x, 6 + 50 * rng.random() ** 1.4, heading=rng.uniform(-0.2, 0.2))
        scene.add(traffic_sign, place, Kind.TRAFFIC_SIGN)
    if rng.random() < 0.3:
        first, number = rng.uniform(6, 20), rng.randint(3, 8)
        for i in range(number):
            scene.add(bollard, Place(x, first + 1.6 * i), Kind.POLE)
    for _ in range(rng.randint(0, 3)):
        place = Place(side.x(side.plot - 0.7), rng.uniform(7, 40), heading=rng.uniform(-math.pi, math.pi))
        scene.add(bin_or_box, place, rng.choice((Kind.STATIC, Kind.STATIC, Kind.UNLABELED, Kind.DYNAMIC)))
