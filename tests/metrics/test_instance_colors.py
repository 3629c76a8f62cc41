"""Colour differences of instances, against results by hand and slow loops."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.errors import MetricError
from oasis.labels import LabelSpace
from oasis.metrics import InstanceColors, ScoredClasses

CLASSES = ScoredClasses(LabelSpace.cityscapes_ids())
ROAD, PERSON, CAR = (CLASSES.names.index(name) for name in ("road", "person", "car"))


def scores(image, label, instance, index=None):
    metric = InstanceColors(CLASSES)
    metric.update(torch.arange(len(image)) if index is None else index, image, label, instance)
    return {name: float(value) for name, value in metric.compute().items()}


def striped(*columns):
    """One 8-row picture of 4-pixel columns, (class, instance, colour in [-1, 1]) each."""
    label, instance = (torch.tensor([column[k] for column in columns]).repeat_interleave(4) for k in (0, 1))
    image = torch.tensor([column[2] for column in columns]).float().T.repeat_interleave(4, dim=1)
    return image[None, :, None].repeat(1, 1, 8, 1), *(m[None, None].repeat(1, 8, 1) for m in (label, instance))


BLACK, WHITE, RED = (-1, -1, -1), (1, 1, 1), (1, -1, -1)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([(CAR, 1, BLACK), (CAR, 2, WHITE)], 1),
        ([(CAR, 1, BLACK), (CAR, 2, RED)], 3**-0.5),
        ([(CAR, 1, RED), (CAR, 2, RED)], 0),
        ([(CAR, 1, BLACK), (CAR, 1, WHITE), (CAR, 2, (0, 0, 0))], 0),  # of the mean, not of pixels
        ([(CAR, 1, BLACK), (CAR, 2, WHITE), (CAR, 3, WHITE)], 2 / 3),  # over the three pairs
        ([(CAR, 1, BLACK), (CAR, 2, WHITE), (PERSON, 1, RED), (PERSON, 2, RED)], 1 / 2),  # over the two classes
        ([(CAR, 1, BLACK), (CAR, 2, RED), (CAR, 0, WHITE)], 3**-0.5),  # a group has no instances
        ([(ROAD, 1, BLACK), (ROAD, 2, WHITE)], math.nan),  # no things
        ([(CLASSES.void, 1, BLACK), (CLASSES.void, 2, WHITE)], math.nan),
        ([(CAR, 1, BLACK), (PERSON, 1, WHITE)], math.nan),  # one of each
    ],
)
def test_worked_out_by_hand(columns, expected):
    assert scores(*striped(*columns))["color"] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_instances_of_few_pixels_are_left_out():
    image, label, instance = striped((CAR, 1, BLACK), (CAR, 2, WHITE))
    instance[:, 2:, :4] = 0
    assert math.isnan(scores(image, label, instance)["color"])  # 8 pixels of the black one are left
    instance[:, :4, :4] = 1
    assert scores(image, label, instance)["color"] == pytest.approx(1)  # 16


def test_an_image_counts_once_and_each_class_on_its_own():
    cars, persons = striped((CAR, 1, BLACK), (CAR, 2, WHITE)), striped((PERSON, 1, RED), (PERSON, 2, BLACK))
    both = [torch.cat(pair) for pair in zip(cars, persons, strict=True)]
    found = scores(*(torch.cat([maps, maps[:1]]) for maps in both), index=torch.tensor([0, 1, 0]))
    assert found["color/car"] == pytest.approx(1)
    assert found["color/person"] == pytest.approx(3**-0.5)
    assert found["color"] == pytest.approx((1 + 3**-0.5) / 2)
    assert math.isnan(found["color/bus"])


def slowly(image, label, instance):
    """The definition, word by word."""
    values = []
    for picture, classes, numbers in zip(((image + 1) / 2).tolist(), label.tolist(), instance.tolist(), strict=True):
        pixels = {}
        for y, x in itertools.product(range(len(classes)), range(len(classes[0]))):
            if classes[y][x] in CLASSES.things and numbers[y][x] > 0:
                colour = [channel[y][x] for channel in picture]
                pixels.setdefault(classes[y][x], {}).setdefault(numbers[y][x], []).append(colour)
        for of_class in pixels.values():
            means = [[sum(c) / len(c) for c in zip(*one, strict=True)] for one in of_class.values() if len(one) >= 16]
            pairs = [math.dist(a, b) / math.sqrt(3) for a, b in itertools.combinations(means, 2)]
            values += [sum(pairs) / len(pairs)] if pairs else []
    return sum(values) / len(values) if values else math.nan


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 3), st.integers(1, 5), st.sampled_from([1, 2, 4]))
def test_like_the_slow_way(seed, images, instances, block):
    draw = torch.Generator().manual_seed(seed)
    shape = (images, 16 // block, 16 // block)
    label = torch.tensor([ROAD, PERSON, CAR, CLASSES.void])[torch.randint(4, shape, generator=draw)]
    instance = torch.randint(instances + 1, shape, generator=draw)
    label, instance = (m.repeat_interleave(block, 1).repeat_interleave(block, 2) for m in (label, instance))
    image = torch.rand(images, 3, 16, 16, generator=draw) * 2 - 1
    expected = slowly(image, label, instance)
    assert scores(image, label, instance)["color"] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_maps_that_do_not_fit():
    image, label, instance = striped((CAR, 1, BLACK), (CAR, 2, WHITE))
    with pytest.raises(MetricError, match="instance is"):
        scores(image, label, instance[:, :4])
    with pytest.raises(MetricError, match="target has class 77"):
        scores(image, label.clamp(min=77), instance)
