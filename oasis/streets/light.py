"""Time of day: the colour of a surface by its slant and distance."""

import colorsys
import math
from dataclasses import dataclass
from random import Random
from typing import Self

Colour = tuple[float, float, float]
"""Red, green, blue in 0..255, not yet rounded."""


@dataclass(frozen=True)
class Light:
    """The light of one picture.

    Attributes:
        sun: unit vector towards the sun, in world axes.
        direct: what a surface facing the sun gains.
        ambient: brightness of what the sun does not reach.
        haze: the colour that far things fade to, also of the sky at the horizon.
        reach: metres at which two thirds of a colour have faded.
        zenith: colour of the sky overhead.
        clouds: how much of the sky is cloud, 0..1.
        tint: factors on red, green and blue of the whole picture.
    """

    sun: Colour
    direct: float
    ambient: float
    haze: Colour
    reach: float
    zenith: Colour
    clouds: float
    tint: Colour

    @classmethod
    def drawn(cls, rng: Random) -> Self:
        """One of the times of day, with some variation."""
        direct, ambient, haze, reach, zenith, clouds, tint = rng.choice(_MOODS)
        angle, high = rng.uniform(-math.pi, math.pi), rng.uniform(0.35, 0.8)
        low = math.sqrt(1 - high * high)
        return cls(
            sun=(low * math.sin(angle), high, low * math.cos(angle)),
            direct=direct * rng.uniform(0.8, 1.2),
            ambient=ambient * rng.uniform(0.92, 1.06),
            haze=varied(haze, rng, 8),
            reach=reach * rng.uniform(0.7, 1.5),
            zenith=varied(zenith, rng, 10),
            clouds=min(1.0, clouds * rng.uniform(0.5, 1.4)),
            tint=tint,
        )

    def brightness(self, normal: Colour) -> float:
        """Factor on the colour of a surface with this unit normal."""
        facing = normal[0] * self.sun[0] + normal[1] * self.sun[1] + normal[2] * self.sun[2]
        return self.ambient + 0.1 * normal[1] + self.direct * max(0.0, facing)

    def seen(self, colour: Colour, brightness: float, z: float) -> tuple[int, int, int]:
        """A lit colour after z metres of haze, for the canvas."""
        kept = math.exp(-z / self.reach) if z > 0 else 1.0
        own, gone = brightness * kept, 1 - kept
        (red, green, blue), (haze_red, haze_green, haze_blue) = colour, self.haze
        return (
            min(255, int(red * own + haze_red * gone)),
            min(255, int(green * own + haze_green * gone)),
            min(255, int(blue * own + haze_blue * gone)),
        )


# direct, ambient, haze, reach, zenith, clouds, tint
_MOODS: tuple[tuple[float, float, Colour, float, Colour, float, Colour], ...] = (
    (0.12, 0.80, (196, 203, 208), 190.0, (166, 178, 190), 0.9, (0.97, 1.0, 1.02)),  # overcast
    (0.42, 0.68, (192, 214, 234), 320.0, (82, 138, 208), 0.45, (1.03, 1.01, 0.97)),  # clear noon
    (0.46, 0.58, (242, 206, 160), 220.0, (112, 138, 184), 0.55, (1.10, 0.97, 0.84)),  # golden evening
    (0.16, 0.56, (176, 166, 176), 170.0, (84, 98, 136), 0.6, (0.95, 0.95, 1.05)),  # dusk
    (0.14, 0.82, (216, 218, 214), 95.0, (198, 204, 208), 0.7, (1.0, 1.01, 0.99)),  # misty morning
)


def varied(colour: Colour, rng: Random, spread: float) -> Colour:
    """The colour with up to `spread` added to or taken from each channel."""
    red, green, blue = (min(255.0, max(0.0, channel + rng.uniform(-spread, spread))) for channel in colour)
    return red, green, blue


def toned(colour: Colour, factor: float) -> Colour:
    """The colour, brighter (factor above 1) or darker."""
    return (min(255.0, colour[0] * factor), min(255.0, colour[1] * factor), min(255.0, colour[2] * factor))


def vivid(rng: Random, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """A colour of any hue, with saturation and value (0..1) in the given ranges."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return 255 * red, 255 * green, 255 * blue
