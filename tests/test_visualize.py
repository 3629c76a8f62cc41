"""Colours of instances, values and directions, compared pixel by pixel."""

import colorsys
import math
from itertools import pairwise

import pytest
import torch

from oasis.visualize import colorize_directions, colorize_instances, colorize_values, direction_wheel, instance_color


def test_neighbouring_numbers_have_colours_far_apart():
    colors = [instance_color(number) for number in range(60)]
    assert len(set(colors)) == 60
    for before, after in pairwise(colors):
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) > 100


def test_instances_are_coloured_and_contoured_and_all_else_is_grey():
    instance = torch.zeros(7, 12, dtype=torch.int64)
    instance[1:6, 1:6], instance[1:6, 6:11] = 1, 2  # two that touch
    background = torch.full((3, 7, 12), -0.5)
    background[0] = 0.4  # a colour whose mean is -0.2
    colors = colorize_instances(instance, background, opacity=1.0)
    for y in range(7):
        for x in range(12):
            own = int(instance[y, x])
            around = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
            at_rim = any(0 <= v < 7 and 0 <= u < 12 and instance[v, u] != own for v, u in around)
            expected = [-0.2] * 3 if not own else [1.0] * 3 if at_rim else [c / 127.5 - 1 for c in instance_color(own)]
            assert colors[:, y, x].tolist() == pytest.approx(expected, abs=1e-6)


def test_no_instance_is_a_grey_picture():
    photo = torch.rand(3, 4, 5)
    colors = colorize_instances(torch.zeros(4, 5, dtype=torch.int64), photo)
    assert torch.allclose(colors, photo.mean(0).expand(3, -1, -1))


def test_values_run_from_the_first_colour_to_the_last():
    colors = colorize_values(torch.tensor([[-3.0, 2.0, 3.0, 4.0, 9.0]]), 2.0, 4.0, "gray")
    assert colors[0, 0].tolist() == pytest.approx([-1, -1, 0, 1, 1], abs=0.01)
    assert torch.equal(colors[0], colors[1])
    assert colorize_values(torch.ones(1, 1), 1.0, 1.0, "gray").isfinite().all()


def test_directions_are_hues_and_no_way_is_white():
    for angle in (0.0, 0.7, 2.0, -1.5):
        offset = 3 * torch.tensor([math.sin(angle), math.cos(angle)]).view(2, 1, 1)
        red, green, blue = ((colorize_directions(offset, 3.0)[:, 0, 0] + 1) / 2).tolist()
        hue, saturation, _ = colorsys.rgb_to_hsv(red, green, blue)
        assert hue == pytest.approx(angle / math.tau % 1, abs=0.03)
        assert saturation == pytest.approx(1, abs=0.02)
    assert (colorize_directions(torch.zeros(2, 1, 1), 3.0) == 1).all()


def test_the_wheel_is_the_key_to_the_directions():
    wheel = direction_wheel(21)
    assert (wheel[:, 0, 0] == 1).all()  # outside the disc
    assert (wheel[:, 10, 10] > 0.999).all()  # length 0
    right, down = colorize_directions(torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]]), 1.0)[:, 0].unbind(1)
    assert torch.equal(wheel[:, 10, 20], right)
    assert torch.equal(wheel[:, 20, 10], down)
