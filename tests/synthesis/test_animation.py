"""Animations."""

import io

import numpy as np
import pytest
from PIL import Image

from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap
from oasis.synthesis.animation import GIF, interpolate


class Number:
    """A noise of one number."""

    def __init__(self, value):
        self.value = value

    def mixed(self, other, share):
        return Number(self.value + share * (other.value - self.value))


class Showing:
    """Generates the noise's number, and counts."""

    height = width = 1

    def __init__(self):
        self.generated = 0

    def synthesize(self, label_map, noise):
        self.generated += 1
        return Image.new("L", (1, 1), round(noise.value))


def way(values, steps):
    model = Showing()
    label_map = LabelMap(np.zeros((1, 1), np.uint8), None, LabelSpace.cityscapes_ids())
    frames = list(interpolate(model, label_map, [Number(value) for value in values], steps))
    return [frame.getpixel((0, 0)) for frame in frames], model.generated


def test_the_way_goes_round():
    shown, generated = way([0, 30, 90], 3)
    assert shown == [0, 10, 20, 30, 50, 70, 90, 60, 30]
    assert generated == 9


@pytest.mark.parametrize(
    ("steps", "expected"), [(1, [0, 60]), (2, [0, 30, 60, 30]), (3, [0, 20, 40, 60, 40, 20])], ids=["1", "2", "3"]
)
def test_between_two_the_way_back_costs_nothing(steps, expected):
    shown, generated = way([0, 60], steps)
    assert shown == expected
    assert generated == steps + 1


def test_a_gif_plays_all_frames_in_a_loop():
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(0, 255, (20, 800, 3), dtype=np.uint8)) for _ in range(7)]
    animation = Image.open(io.BytesIO(GIF().encode(frames, 0.08)))
    assert (animation.n_frames, animation.info["loop"], animation.info["duration"]) == (7, 0, 80)
    assert animation.size == (512, 13)


def test_flat_colours_survive_in_every_frame():
    colors = [(220, 20, 60), (0, 130, 180), (70, 70, 70)]
    frames = [Image.new("RGB", (40, 20), color) for color in colors]
    animation = Image.open(io.BytesIO(GIF().encode(frames, 0.1)))
    for number, color in enumerate(colors):
        animation.seek(number)
        shown = np.array(animation.convert("RGB")).astype(int)
        assert abs(shown - np.array(color)).max() <= 4
