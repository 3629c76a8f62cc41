"""Bodies of vehicles and boxes: a convex outline seen from the side, stretched across."""

from dataclasses import dataclass

from oasis.streets.brush import Brush
from oasis.streets.camera import Place, Point3
from oasis.streets.light import Colour

Corner = tuple[float, float, float]
"""Along, up, and half the width there, in metres."""


@dataclass(frozen=True)
class Solid:
    """A body whose side view is a convex polygon.

    Attributes:
        place: where it stands.
        corners: the side view, counterclockwise seen from the right (along to the right, up upwards).
    """

    place: Place
    corners: tuple[Corner, ...]

    def edge(self, index: int) -> list[Point3]:
        """The face across the body from corner `index` to the next, as four points seen from outside."""
        (a, ua, wa), (b, ub, wb) = self.corners[index], self.corners[(index + 1) % len(self.corners)]
        at = self.place.at
        return [at(-wb, ub, b), at(wb, ub, b), at(wa, ua, a), at(-wa, ua, a)]

    def side(self, right: bool) -> list[Point3]:
        """The right or left side."""
        at, sign = self.place.at, 1 if right else -1
        return [at(sign * half, up, along) for along, up, half in self.corners[:: 1 if right else -1]]

    def faces(self) -> list[list[Point3]]:
        """Both sides, and the faces across."""
        return [self.side(right=True), self.side(right=False), *map(self.edge, range(len(self.corners)))]

    def paint(self, brush: Brush, colour: Colour, ident: int) -> None:
        """All faces that can be seen; of a convex body they do not hide one another."""
        for face in self.faces():
            brush.face(face, colour, ident)


def box(place: Place, back: float, front: float, low: float, high: float, half: float) -> Solid:
    """An upright box; its edges are 0 bottom, 1 front, 2 top, 3 rear."""
    return Solid(place, ((back, low, half), (front, low, half), (front, high, half), (back, high, half)))
