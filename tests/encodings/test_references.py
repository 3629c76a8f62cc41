"""Every encoding against a slow, obvious reference: pixel by pixel, in plain Python."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

THINGS = range(24, 34)

# A reference takes the encoding for its settings, the label and instance maps of one image as nested lists, and the
# channels that the encoding made behind the classes, to read from them what was drawn. It returns what the class
# channel holds in each pixel, or None for 1, and the channels behind the classes, each as nested lists.


def pixels(label):
    return [(y, x) for y in range(len(label)) for x in range(len(label[0]))]


def fill(label, value):
    return [[value(y, x) for x in range(len(label[0]))] for y in range(len(label))]


def members(instance, number):
    return [(y, x) for y, x in pixels(instance) if instance[y][x] == number]


def numbers(instance):
    return sorted({instance[y][x] for y, x in pixels(instance)} - {0})


def semantic(encoding, label, instance, drawn):
    return None, []


def instance_ids(encoding, label, instance, drawn):
    def value(y, x):
        in_class = {instance[v][u] for v, u in pixels(label) if label[v][u] == label[y][x]}
        return 1 + sorted(in_class - {0}).index(instance[y][x]) if instance[y][x] else 1

    return fill(label, value), []


def instance_ids_normalized(encoding, label, instance, drawn):
    raw, _ = instance_ids(encoding, label, instance, drawn)

    def value(y, x):
        return raw[y][x] / max(raw[v][u] for v, u in pixels(label) if label[v][u] == label[y][x])

    return fill(label, value), []


def per_instance_masks(encoding, label, instance, drawn):
    by_area = sorted(numbers(instance), key=lambda k: (-len(members(instance, k)), k))
    slots = {k: min(place, encoding.slots - 1) for place, k in enumerate(by_area)}
    if encoding.training:  # any slots will do, if they are different ones, and the shared one is the last
        firsts = {k: members(instance, k)[0] for k in by_area}
        drawn_slots = {k: next(c for c, plane in enumerate(drawn) if plane[y][x] == 1) for k, (y, x) in firsts.items()}
        if len(by_area) <= encoding.slots:
            assert len(set(drawn_slots.values())) == len(by_area)
        else:
            own, sharing = by_area[: encoding.slots - 1], by_area[encoding.slots - 1 :]
            assert {drawn_slots[k] for k in own} == set(range(encoding.slots - 1))
            assert {drawn_slots[k] for k in sharing} == {encoding.slots - 1}
        slots = drawn_slots
    planes = [fill(label, lambda y, x, c=c: float(slots.get(instance[y][x]) == c)) for c in range(encoding.slots)]
    return None, planes


def boundary(encoding, label, instance, drawn):
    def value(y, x):
        neighbours = {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)} & set(pixels(label))
        return float(any((label[v][u], instance[v][u]) != (label[y][x], instance[y][x]) for v, u in neighbours))

    return None, [fill(label, value)]


def center_offset(encoding, label, instance, drawn):
    center = {}
    for k in numbers(instance):
        own = members(instance, k)
        center[k] = [Fraction(sum(pixel[axis] for pixel in own), len(own)) for axis in (0, 1)]
    # The pixel that holds the centre; all that do where the centre is on their edge.
    peaks = [
        (y, x)
        for c in center.values()
        for y, x in pixels(label)
        if abs(y - c[0]) <= Fraction(1, 2) and abs(x - c[1]) <= Fraction(1, 2)
    ]

    def heat(y, x):
        distances = [(y - v) ** 2 + (x - u) ** 2 for v, u in peaks]
        sigma = encoding.sigma * len(label)
        return max((math.exp(-d / 2 / sigma**2) for d in distances if d <= 9 * sigma**2), default=0)

    def offset(axis, size):
        return fill(label, lambda y, x: float((center.get(instance[y][x], (y, x))[axis] - (y, x)[axis]) / size))

    return None, [fill(label, heat), offset(0, len(label)), offset(1, len(label[0]))]


def position(encoding, label, instance, drawn):
    def place(y, x, axis):
        # An instance wherever it is, and all that is of a class and no instance.
        key = instance[y][x] or -1 - label[y][x]
        own = [
            pixel for pixel in pixels(label) if (instance[pixel[0]][pixel[1]] or -1 - label[pixel[0]][pixel[1]]) == key
        ]
        first, last = min(pixel[axis] for pixel in own), max(pixel[axis] for pixel in own)
        return -1 + 2 * ((y, x)[axis] - first) / (last - first) if last > first else 0.0

    return None, [fill(label, lambda y, x, axis=axis: place(y, x, axis)) for axis in (0, 1)]


def instance_noise(encoding, label, instance, drawn):
    vectors = {}
    for k in numbers(instance):
        y, x = members(instance, k)[0]
        vectors[k] = [plane[y][x] for plane in drawn]
    assert len(vectors) == len({tuple(vector) for vector in vectors.values()})
    none = [0.0] * encoding.dim
    return None, [fill(label, lambda y, x, c=c: vectors.get(instance[y][x], none)[c]) for c in range(encoding.dim)]


def panoptic(encoding, label, instance, drawn):
    parts = zip(encoding.layers(), ((boundary, 0, 1), (center_offset, 1, 4), (instance_noise, 4, 20)), strict=True)
    return None, [
        plane
        for part, (reference, first, last) in parts
        for plane in reference(part, label, instance, drawn[first:last])[1]
    ]


REFERENCES = {
    "semantic": semantic,
    "instance_ids": instance_ids,
    "instance_ids_normalized": instance_ids_normalized,
    "per_instance_masks": per_instance_masks,
    "boundary": boundary,
    "center_offset": center_offset,
    "position": position,
    "instance_noise": instance_noise,
    "panoptic": panoptic,
}


def assert_equals_reference(encoding, name, label, instance):
    assert name in REFERENCES, f"conf/encoding/{name}.yaml has no reference: write one here"
    encoded = encoding(label, instance)
    for image in range(len(label)):
        classes, drawn = label[image].tolist(), encoded[image, 35:].tolist()
        of_things = fill(classes, lambda y, x, i=image, c=classes: int(instance[i, y, x]) if c[y][x] in THINGS else 0)
        values, extra = REFERENCES[name](encoding, classes, of_things, drawn)
        front = fill(
            classes,
            lambda y, x, v=values, c=classes: [(v[y][x] if v else 1) if index == c[y][x] else 0 for index in range(35)],
        )
        expected = torch.cat([torch.tensor(front).permute(2, 0, 1), torch.tensor(extra).view(-1, *label.shape[1:])])
        torch.testing.assert_close(encoded[image], expected.float(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("training", [True, False])
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_any_small_map(build, small_maps, name, training, data):
    assert_equals_reference(build(name, training), name, *data.draw(small_maps))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("instances", [0, 1, 50, 90])
def test_few_and_many_instances(build, random_maps, name, training, instances):
    label, instance = random_maps(instances, height=12, width=24)
    assert_equals_reference(build(name, training), name, label.where(instance == 0, 26), instance)


@pytest.mark.parametrize(
    "setting",
    [("per_instance_masks", "slots", k) for k in (1, 2, 3)]
    + [("center_offset", "sigma", sigma) for sigma in (0.1, 0.3, 1.0)]
    + [("instance_noise", "dim", 1)],
    ids=str,
)
@pytest.mark.parametrize("training", [True, False])
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_other_settings(build, small_maps, setting, training, data):
    kind, attribute, value = setting
    encoding = build(kind, training)
    encoding = type(encoding)(encoding.label_space, **{attribute: value}).train(training)
    assert_equals_reference(encoding, kind, *data.draw(small_maps))
