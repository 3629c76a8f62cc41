"""Crowded streets: few things, near the camera, that touch and hide each other."""

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

from oasis.streets.brush import Drawer
from oasis.streets.camera import Camera, Place
from oasis.streets.cars import car
from oasis.streets.kinds import Kind, Register
from oasis.streets.layout import Layout, Side
from oasis.streets.lorries import bus, truck
from oasis.streets.people import bicycle, motorcycle, person, rider
from oasis.streets.scene import Scene
from oasis.streets.standing import Extent, Standings

_CAR = Extent(0.95, 4.7, 1.5)
_PERSON = Extent(0.2, 0.25, 1.7)
_CYCLIST = Extent(0.3, 1.8, 1.7)
_LARGE = ((bus, Kind.BUS, Extent(1.3, 11.6, 3.0)), (truck, Kind.TRUCK, Extent(1.2, 7.5, 3.0)))
_DEEP = 4.9  # metres of parking strip, enough for cars across the street
_TRIES = 24  # occasions, of which some find no room


def crowded_camera(rng: Random, aspect: float) -> Camera:
    """A camera as on a van: from above most roofs it sees the second row."""
    return replace(Camera.drawn(rng, aspect), eye=rng.uniform(1.6, 2.4), bend=0.0)


def crowded_layout(rng: Random) -> Layout:
    """A street with cars parked along or across it, and often with a crossing just ahead."""
    usual = Layout.drawn(rng)
    crossing = rng.uniform(5.5, 9) if rng.random() < 0.5 else None
    return replace(usual, left=_side(usual.left, rng), right=_side(usual.right, rng), crossing=crossing)


def _side(usual: Side, rng: Random) -> Side:
    return replace(usual, parking=rng.choices((0.0, 2.3, _DEEP), weights=(2, 2, 7))[0], verge=0.0)


class Crowd:
    """Adds things to a street, where they can be seen.

    Args:
        scene: what they are added to.
        layout: of the street.
        standings: what stands there already.
    """

    def __init__(self, scene: Scene, layout: Layout, standings: Standings) -> None:
        self.layout = layout
        self._scene = scene
        self._standings = standings
        self._register = Register()

    @property
    def things(self) -> int:
        """How many there are."""
        return self._register.things

    def heading(self, x: float) -> float:
        """Which way the traffic goes there."""
        return 0.0 if x > self.layout.lanes[self.layout.own] - 2 else math.pi

    def add(self, draw: Drawer, kind: Kind, place: Place, extent: Extent) -> bool:
        """Adds a thing, unless there is no room for it; returns whether there was."""
        free = self._standings.takes(place, extent)
        if free:
            self._scene.add(draw, place, self._register.number(kind))
        return free

    def mount(self, place: Place) -> None:
        """Adds a rider to the two-wheeler of a place."""
        self._scene.add(rider, place, self._register.number(Kind.RIDER), depth=place.z - 0.01)


def crowd(scene: Scene, layout: Layout, camera: Camera, rng: Random) -> None:
    """Adds up to about 16 things near the camera, as many as find room."""
    made = Crowd(scene, layout, Standings(camera))
    wanted = rng.randint(6, 16)
    for occasion in rng.choices(_OCCASIONS, weights=_WEIGHTS, k=_TRIES):
        if made.things >= wanted:
            break
        occasion(made, rng)


def _parked(crowd: Crowd, rng: Random) -> None:
    # Side by side where the strip is deep enough, one behind the other where it is not.
    side = rng.choice(crowd.layout.sides)
    if not side.parking:
        return
    across = side.parking == _DEEP
    x, z = side.x(side.road + side.parking / 2), rng.uniform(5.0, 7.5)
    slant = rng.choice((0.0, 0.0, 0.45, -0.45))
    for _ in range(rng.randint(3, 6)):
        if across:
            heading = rng.choice((math.pi / 2, math.pi / 2, -math.pi / 2)) + slant
        else:
            heading = 0.0 if side.sign > 0 else math.pi
        place = Place(x + rng.gauss(0, 0.12), z, heading + rng.gauss(0, 0.03))
        crowd.add(car, Kind.CAR, place, _CAR)
        z += rng.uniform(2.15, 2.5) / math.cos(slant) if across else rng.uniform(5.0, 6.2)


def _queue(crowd: Crowd, rng: Random) -> None:
    # Cars in a jam: beside each other, and one half behind the other.
    lanes = list(range(len(crowd.layout.lanes)))
    rng.shuffle(lanes)
    for lane in lanes:
        x, z = crowd.layout.lanes[lane], rng.uniform(5.5, 9.5)
        for _ in range(3):
            place = Place(x + rng.gauss(0, 0.3), z, crowd.heading(x) + rng.gauss(0, 0.1))
            crowd.add(car, Kind.CAR, place, _CAR)
            z += rng.uniform(4.9, 6.0)


def _turning(crowd: Crowd, rng: Random) -> None:
    # Cars that turn at a junction, seen from their sides.
    x, z = rng.uniform(-5, 5), rng.uniform(8, 13)
    for i in range(rng.randint(2, 3)):
        heading = rng.choice((-1, 1)) * rng.uniform(0.9, 2.2)
        place = Place(x + rng.uniform(-4, 4), z + 2.4 * i, heading)
        crowd.add(car, Kind.CAR, place, _CAR)


def _company(crowd: Crowd, rng: Random) -> None:
    # People shoulder to shoulder on a pavement or on the crossing, perhaps in two rows.
    layout, side = crowd.layout, rng.choice(crowd.layout.sides)
    middle, z = side.x(rng.uniform(side.walk + 0.4, side.plot)), rng.uniform(5.5, 9)
    if layout.crossing is not None and rng.random() < 0.6:
        middle, z = rng.uniform(-layout.left.road, layout.right.road), layout.crossing + rng.uniform(0.4, 1.5)
    heading, number = rng.choice((0.0, math.pi)), rng.randint(3, 6)
    for row in range(rng.choice((1, 2, 2))):
        for i in range(number):
            x = middle + (i - (number - 1) / 2) * 0.5 + 0.25 * row + rng.gauss(0, 0.04)
            ahead = z + 0.8 * row + rng.uniform(-0.2, 0.2)
            place = Place(x, ahead, heading + rng.gauss(0, 0.3), rng.uniform(0.93, 1.08))
            crowd.add(person, Kind.PERSON, place, _PERSON)


def _cyclists(crowd: Crowd, rng: Random) -> None:
    # Side by side along the street, or one half behind the other across it.
    across = rng.random() < 0.5
    heading = rng.choice((math.pi / 2, -math.pi / 2)) if across else rng.choice((0.0, math.pi))
    x, z = rng.uniform(-3, 3), rng.uniform(5, 8)
    draw, kind = (bicycle, Kind.BICYCLE) if rng.random() < 0.75 else (motorcycle, Kind.MOTORCYCLE)
    for i in range(rng.randint(1, 3)):
        place = Place(x + (0.9 * i if across else 0.7 * i), z + 0.9 * i, heading + rng.gauss(0, 0.15))
        if crowd.add(draw, kind, place, _CYCLIST):
            crowd.mount(place)


def _large(crowd: Crowd, rng: Random) -> None:
    lane = rng.choice(crowd.layout.lanes)
    draw, kind, extent = rng.choice(_LARGE)
    crowd.add(draw, kind, Place(lane, rng.uniform(14, 20), crowd.heading(lane)), extent)


_OCCASIONS: tuple[Callable[[Crowd, Random], None], ...] = (_parked, _queue, _turning, _company, _cyclists, _large)
_WEIGHTS = (7, 3, 1, 7, 0.7, 0.5)
