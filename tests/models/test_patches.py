"""The distinct vectors and neighbourhoods of maps, against slow loops over pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.models.patches import Distinct, distinct_neighbourhoods, distinct_vectors


def blocks(batch: int, height: int, width: int, values: int, seed: int) -> torch.Tensor:
    """Random rectangles: (B, H, W) int64 in 0..values-1."""
    random = np.random.default_rng(seed)
    number = np.zeros((batch, height, width), np.int64)
    for image in number:
        for _ in range(4):
            top, left = random.integers(height), random.integers(width)
            image[top : top + random.integers(1, height + 1), left : left + random.integers(1, width + 1)] = (
                random.integers(values)
            )
    return torch.from_numpy(number)


maps = st.tuples(
    st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**32 - 1)
).map(lambda sizes: blocks(*sizes))


def slow_neighbourhoods(number: torch.Tensor, outside: int) -> np.ndarray:
    """(B, H, W, 9), by walking over every pixel."""
    batch, height, width = number.shape
    around = np.full((batch, height, width, 9), outside)
    for b, y, x in np.ndindex(batch, height, width):
        for tap, (dy, dx) in enumerate((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                around[b, y, x, tap] = number[b, y + dy, x + dx]
    return around


def check_order(found: Distinct) -> None:
    order, starts = found.by_row
    sorted_rows = np.repeat(np.arange(len(found.table)), np.diff([*starts.tolist(), found.of_pixel.numel()]))
    assert (found.of_pixel.flatten()[order].numpy() == sorted_rows).all()


@settings(max_examples=60, deadline=None)
@given(maps)
def test_neighbourhoods_are_those_of_a_walk_over_all_pixels(number: torch.Tensor) -> None:
    expected = slow_neighbourhoods(number, outside=7)
    found = distinct_neighbourhoods(number, outside=7)
    assert (found.table[found.of_pixel].numpy() == expected).all()
    assert len(found.table) == len(np.unique(expected.reshape(-1, 9), axis=0))
    assert (found.of_pixel.flatten()[found.example] == torch.arange(len(found.table))).all()
    check_order(found)


@settings(max_examples=60, deadline=None)
@given(maps, st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_vectors_are_told_apart_in_every_bit_and_per_image(number: torch.Tensor, dtype: torch.dtype) -> None:
    values = torch.tensor(
        [[0.0, 1.0, -1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.5, 0.25, 3.0], [0.5, 0.25, 3.0]], dtype=torch.float64
    )
    values[4, 2] += torch.finfo(dtype).eps * 2  # the next number after 3
    image = values.to(dtype)[number].permute(0, 3, 1, 2)
    before = image.clone()
    found = distinct_vectors(image)
    assert torch.equal(image, before)
    assert torch.equal(found.table[found.of_pixel].permute(0, 3, 1, 2), image)
    assert len(found.table) == sum(len(one.unique()) for one in number)
    owner = found.example // number[0].numel()
    assert all((owner[found.of_pixel[b]] == b).all() for b in range(len(number)))


def test_a_million_different_vectors_stay_different() -> None:
    number = torch.arange(1 << 20).view(1, 1, -1)
    bits = torch.stack([(number >> shift) & 1 for shift in range(20)], dim=1).float()
    assert len(distinct_vectors(bits).table) == 1 << 20


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (6, 1)])
def test_maps_thinner_than_a_neighbourhood(height: int, width: int) -> None:
    number = torch.arange(height * width).view(1, height, width)
    found = distinct_neighbourhoods(number, outside=99)
    assert (found.table[found.of_pixel].numpy() == slow_neighbourhoods(number, outside=99)).all()
