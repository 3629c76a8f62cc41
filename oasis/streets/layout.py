"""The plan of one street: widths, and the kind of neighbourhood on either side."""

from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Self

from oasis.streets.kinds import Kind


class Frontage(Enum):
    """What lines a side of the street."""

    HOUSES = "houses"
    GARDENS = "gardens"  # a wall, fence or hedge, with houses and trees behind
    PARK = "park"


@dataclass(frozen=True)
class Side:
    """One side of the street, by distances from the camera in metres.

    Attributes:
        sign: -1 for the left, 1 for the right.
        road: where the carriageway ends.
        parking: width of the strip for parked cars; 0 where there is none.
        parking_kind: what that strip is labelled as.
        verge: width of the lawn between kerb and pavement; may be 0.
        pavement: width of the sidewalk.
        frontage: what stands beyond.
    """

    sign: int
    road: float
    parking: float
    parking_kind: Kind
    verge: float
    pavement: float
    frontage: Frontage

    @property
    def kerb(self) -> float:
        """Where the carriageway and its parking strip end."""
        return self.road + self.parking

    @property
    def walk(self) -> float:
        """Where the sidewalk begins."""
        return self.kerb + self.verge

    @property
    def plot(self) -> float:
        """Where the sidewalk ends."""
        return self.walk + self.pavement

    def span(self, inner: float, outer: float) -> tuple[float, float]:
        """Two distances as (left, right) edges in world x."""
        return (inner, outer) if self.sign > 0 else (-outer, -inner)

    def x(self, distance: float) -> float:
        """World x of a distance on this side."""
        return self.sign * distance

    @classmethod
    def drawn(cls, rng: Random, sign: int, road: float) -> Self:
        """A random side."""
        parking = 2.3 if rng.random() < 0.7 else 0.0
        return cls(
            sign=sign,
            road=road,
            parking=parking,
            parking_kind=Kind.PARKING if rng.random() < 0.3 else Kind.ROAD,
            verge=rng.uniform(0.8, 3.0) if rng.random() < 0.3 else 0.0,
            pavement=rng.uniform(2.2, 5.0),
            frontage=rng.choices(list(Frontage), weights=(6, 3, 2))[0],
        )


@dataclass(frozen=True)
class Layout:
    """A street: its two sides and its lanes.

    Attributes:
        left: the left side.
        right: the right side.
        lanes: the x of the middle of each lane, from left to right.
        own: index of the lane the camera drives in.
        crossing: how far ahead a pedestrian crossing lies, or None.
    """

    left: Side
    right: Side
    lanes: tuple[float, ...]
    own: int
    crossing: float | None

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both sides."""
        return self.left, self.right

    @classmethod
    def drawn(cls, rng: Random) -> Self:
        """A random street of two to four lanes, driven on the right."""
        width = rng.uniform(3.0, 3.5)
        oncoming, along = rng.choices(((1, 1), (1, 2), (2, 2), (0, 2)), weights=(5, 2, 3, 1))[0]
        own = oncoming + rng.randrange(along)
        offset = rng.uniform(-0.3, 0.3)
        lanes = tuple((i - own) * width + offset for i in range(oncoming + along))
        return cls(
            left=Side.drawn(rng, -1, 0.5 * width - lanes[0]),
            right=Side.drawn(rng, 1, lanes[-1] + 0.5 * width),
            lanes=lanes,
            own=own,
            crossing=rng.uniform(9, 30) if rng.random() < 0.35 else None,
        )
