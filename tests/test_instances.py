"""The geometry of instances against pixel-by-pixel loops and exact fractions."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis import instances
from oasis.errors import ConfigurationError

SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7))


@st.composite
def instance_maps(draw):
    height, width = draw(SIZES)
    number = st.sampled_from([0, 0, 1, 2, 3, instances.MAX_INSTANCES])
    values = draw(st.lists(number, min_size=2 * height * width, max_size=2 * height * width))
    return torch.tensor(values).view(2, height, width)


def members(instance):
    """The pixels of each instance of one image."""
    found = {}
    for y, x in instance.nonzero().tolist():
        found.setdefault(int(instance[y, x]), []).append((y, x))
    return found


def centre(pixels):
    return tuple(Fraction(sum(axis), len(pixels)) for axis in zip(*pixels, strict=True))


@given(instance_maps())
@settings(deadline=None)
def test_areas_and_centers(instance):
    areas, centers = instances.areas(instance), instances.centers(instance)
    assert areas.shape == (2, instances.MAX_INSTANCES + 1)
    assert centers.shape == (2, instances.MAX_INSTANCES + 1, 2)
    for image in range(2):
        expected_areas, expected_centers = torch.zeros_like(areas[0]), torch.zeros_like(centers[0])
        for number, pixels in members(instance[image]).items():
            expected_areas[number] = len(pixels)
            expected_centers[number] = torch.tensor([float(axis) for axis in centre(pixels)])
        assert torch.equal(areas[image], expected_areas)
        assert torch.equal(centers[image], expected_centers)


def test_centers_of_large_instances_are_exact():
    # The sum of coordinates is beyond what float32 can count.
    instance = torch.ones(1, 1024, 2048, dtype=torch.int64)
    assert instances.centers(instance)[0, 1].tolist() == [511.5, 1023.5]


@given(instance_maps())
@settings(deadline=None)
def test_center_offsets(instance):
    offsets = instances.center_offsets(instance)
    expected = torch.zeros(2, 2, *instance.shape[1:])
    for image in range(2):
        for pixels in members(instance[image]).values():
            cy, cx = centre(pixels)
            for y, x in pixels:
                expected[image, :, y, x] = torch.tensor([float(cy - y), float(cx - x)])
    assert offsets.dtype == torch.float32
    torch.testing.assert_close(offsets, expected, rtol=0, atol=1e-6)


@given(instance_maps(), st.sampled_from([0.3, 0.5, 1.0, 1.7, 4.0]))
@settings(deadline=None)
def test_center_heatmap(instance, sigma):
    heatmap = instances.center_heatmap(instance, sigma)
    height, width = instance.shape[1:]
    expected = torch.zeros(2, 1, height, width)
    half = Fraction(1, 2)
    for image in range(2):
        for pixels in members(instance[image]).values():
            cy, cx = centre(pixels)
            rows, columns = ({math.ceil(c - half), math.floor(c + half)} for c in (cy, cx))
            for y in range(height):
                for x in range(width):
                    square = min((y - v) ** 2 + (x - u) ** 2 for v in rows for u in columns)
                    value = math.exp(-square / (2 * sigma**2)) if square <= 9 * sigma**2 else 0.0
                    expected[image, 0, y, x] = max(value, float(expected[image, 0, y, x]))
    assert heatmap.dtype == torch.float32
    torch.testing.assert_close(heatmap, expected, rtol=0, atol=1e-6)
    for axis in (-1, -2):
        assert torch.equal(instances.center_heatmap(instance.flip(axis), sigma), heatmap.flip(axis))


def test_a_heatmap_by_hand():
    instance = torch.zeros(1, 1, 9, dtype=torch.int64)
    instance[..., 4] = 1
    e = math.e
    expected = [0, e**-4.5, e**-2, e**-0.5, 1, e**-0.5, e**-2, e**-4.5, 0]
    torch.testing.assert_close(instances.center_heatmap(instance, 1.0).flatten(), torch.tensor(expected))


@pytest.mark.parametrize("sigma", [0.0, -2.0, float("nan"), float("inf")])
def test_a_peak_without_width(sigma):
    with pytest.raises(ConfigurationError, match=rf"sigma={sigma}: .*must be above 0"):
        instances.center_heatmap(torch.zeros(1, 2, 2, dtype=torch.int64), sigma)


@given(instance_maps(), st.integers(0, 2**31))
@settings(deadline=None)
def test_boundaries(instance, seed):
    label = torch.randint(0, 2, instance.shape, generator=torch.Generator().manual_seed(seed))
    found = instances.boundaries(label, instance)
    batch, height, width = instance.shape
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                near = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
                differ = [
                    bool(label[b, v, u] != label[b, y, x] or instance[b, v, u] != instance[b, y, x])
                    for v, u in near
                    if 0 <= v < height and 0 <= u < width
                ]
                assert found[b, 0, y, x] == float(any(differ))
    assert found.shape == (batch, 1, height, width)
    assert found.dtype == torch.float32


def test_segment_ids():
    label = torch.tensor([[[7, 26, 26, 26]]])
    instance = torch.tensor([[[0, 1, 0, instances.MAX_INSTANCES]]])
    assert instances.segment_ids(label, instance, 35).tolist() == [[[7, 36, 26, 35 + instances.MAX_INSTANCES]]]


def test_nothing_waits_for_the_device():
    # Tensors on `meta` have no values: any step that depends on one, and so would wait for a GPU, raises.
    none = torch.zeros(2, 8, 9, dtype=torch.int64, device="meta")
    assert instances.areas(none).shape == (2, instances.MAX_INSTANCES + 1)
    assert instances.center_offsets(none).shape == (2, 2, 8, 9)
    assert instances.center_heatmap(none, 2.0).shape == (2, 1, 8, 9)
    assert instances.boundaries(none, none).shape == (2, 1, 8, 9)
    assert instances.segment_ids(none, none, 35).shape == (2, 8, 9)
