"""The things of a street: vehicles and people, with their instance ids."""

import math
from collections.abc import Iterator
from random import Random

from oasis.streets.camera import Camera, Place
from oasis.streets.cars import car
from oasis.streets.kinds import Kind, Register
from oasis.streets.layout import Layout, Side
from oasis.streets.lorries import bus, truck
from oasis.streets.people import bicycle, motorcycle, person, rider
from oasis.streets.scene import Scene

_MOST = 40


def populate(scene: Scene, layout: Layout, camera: Camera, rng: Random) -> None:
    """Adds a random number of things: 2 to about 40, mostly 6 to 20."""
    register = Register()
    wanted = int(min(_MOST, max(2.0, rng.lognormvariate(2.75, 0.5))))
    taken: list[tuple[float, float]] = []
    occasions = rng.choices(_OCCASIONS, weights=_WEIGHTS, k=24)
    occasions[:2] = [_parked_row, rng.choice((_parked_row, _company))]
    for occasion in occasions:
        if register.things >= wanted:
            break
        occasion(scene, layout, rng, register, taken)


def _free(taken: list[tuple[float, float]], x: float, z: float, room: float) -> bool:
    # Two vehicles in one spot would overlap.
    if any(abs(x - a) < 1.9 and abs(z - b) < room for a, b in taken):
        return False
    taken.append((x, z))
    return True


def _parked_row(
    scene: Scene, layout: Layout, rng: Random, register: Register, taken: list[tuple[float, float]]
) -> None:
    # Seen along the street, each car of a row hides part of the next.
    side = rng.choice(layout.sides)
    x = side.x(side.road + (side.parking / 2 if side.parking else -0.9))
    z = rng.uniform(5.0, 20)
    heading = 0.0 if side.sign > 0 or rng.random() < 0.3 else math.pi
    for _ in range(rng.randint(3, 9)):
        if _free(taken, x, z, 4.9):
            turn = heading + rng.gauss(0, 0.02)
            scene.add(car, Place(x + rng.gauss(0, 0.08), z, turn), register.number(Kind.CAR))
        z += rng.uniform(5.0, 5.9) + (rng.uniform(3, 9) if rng.random() < 0.12 else 0.0)


def _driving(scene: Scene, layout: Layout, rng: Random, register: Register, taken: list[tuple[float, float]]) -> None:
    for _ in range(rng.randint(1, 3)):
        lane = rng.randrange(len(layout.lanes))
        x, z = layout.lanes[lane] + rng.gauss(0, 0.15), 8 + 60 * rng.random() ** 1.3
        draw, kind, room = rng.choices(_VEHICLES, weights=(16, 2, 2))[0]
        if kind is not Kind.CAR:
            z += 7
        if _free(taken, x, z, room):
            heading = 0.0 if x > layout.lanes[layout.own] - 2 else math.pi
            scene.add(draw, Place(x, z, heading), register.number(kind))


def _company(scene: Scene, layout: Layout, rng: Random, register: Register, taken: list[tuple[float, float]]) -> None:
    # People shoulder to shoulder on the pavement or on the crossing.
    side = rng.choice(layout.sides)
    number = rng.choice((1, 2, 2, 3, 3, 4, 5))
    heading = rng.choice((0.0, math.pi))
    middle, z = side.x(rng.uniform(side.walk + 0.5, side.plot - 0.3)), rng.uniform(5.5, 8) + 26 * rng.random() ** 1.5
    if layout.crossing is not None and rng.random() < 0.4:
        middle, z = rng.uniform(-layout.left.road, layout.right.road), layout.crossing + rng.uniform(0.5, 2.5)
    for i in range(number):
        x = middle + (i - (number - 1) / 2) * rng.uniform(0.4, 0.56)
        size = rng.uniform(0.6, 0.75) if rng.random() < 0.12 else rng.uniform(0.93, 1.06)
        place = Place(x, z + rng.uniform(-0.25, 0.25), heading + rng.gauss(0, 0.3), size)
        scene.add(person, place, register.number(Kind.PERSON))


def _throng(scene: Scene, layout: Layout, rng: Random, register: Register, taken: list[tuple[float, float]]) -> None:
    # Too many to tell apart: painted one by one, labelled as one region without instances.
    side = rng.choice(layout.sides)
    z = rng.uniform(14, 34)
    for x in _scattered(rng, side, rng.randint(6, 14)):
        place = Place(x, z + rng.uniform(-1.5, 1.5), rng.uniform(-math.pi, math.pi), rng.uniform(0.9, 1.06))
        scene.add(person, place, Kind.PERSON)


def _distant_jam(
    scene: Scene, layout: Layout, rng: Random, register: Register, taken: list[tuple[float, float]]
) -> None:
    # Distant cars, which annotators do not separate either.
    for lane in layout.lanes:
        z = rng.uniform(75, 90)
        for _ in range(rng.randint(1, 4)):
            scene.add(car, Place(lane, z, 0.0), Kind.CAR)
            z += rng.uniform(6, 8)


def _cyclists(scene: Scene, layout: Layout, rng: Random, register: Register, taken: list[tuple[float, float]]) -> None:
    heading = rng.choice((0.0, math.pi, math.pi / 2, -math.pi / 2))
    across = abs(math.sin(heading)) > 0.5
    side = layout.right if heading == 0 else rng.choice(layout.sides)
    x, z = side.x(side.road - 0.7) if not across else rng.uniform(-4, 4), 7.5 + 22 * rng.random() ** 1.4
    draw, kind = (bicycle, Kind.BICYCLE) if rng.random() < 0.8 else (motorcycle, Kind.MOTORCYCLE)
    for i in range(rng.choice((1, 1, 2))):
        place = Place(x + (1.3 * i if across else 0.7 * i), z + 0.8 * i, heading + rng.gauss(0, 0.15))
        if not _free(taken, place.x, place.z, 0.5 if i else 2.5):
            continue
        scene.add(draw, place, register.number(kind))
        scene.add(rider, place, register.number(Kind.RIDER), depth=place.z - 0.01)


def _stand(scene: Scene, layout: Layout, rng: Random, register: Register, taken: list[tuple[float, float]]) -> None:
    # Two-wheelers side by side; a long rack is one region without instances.
    side = rng.choice(layout.sides)
    number = rng.choice((1, 2, 3, 4, 7, 10))
    draw, kind = (bicycle, Kind.BICYCLE) if rng.random() < 0.75 or number > 4 else (motorcycle, Kind.MOTORCYCLE)
    x, z = side.x(side.plot - 1.0), 7 + 22 * rng.random() ** 1.3
    heading = rng.choice((math.pi / 2, math.pi / 3, -math.pi / 2, 0.2))
    for i in range(number):
        place = Place(x + 0.03 * i, z + 0.55 * i, heading + rng.gauss(0, 0.08))
        scene.add(draw, place, kind if number > 4 else register.number(kind))


def _scattered(rng: Random, side: Side, number: int) -> Iterator[float]:
    for _ in range(number):
        yield side.x(rng.uniform(side.walk + 0.2, side.plot - 0.2))


_VEHICLES = ((car, Kind.CAR, 6.0), (bus, Kind.BUS, 14.0), (truck, Kind.TRUCK, 10.0))
_OCCASIONS = (_parked_row, _driving, _company, _throng, _distant_jam, _cyclists, _stand)
_WEIGHTS = (4, 5, 7, 2.5, 1.5, 3, 3)
