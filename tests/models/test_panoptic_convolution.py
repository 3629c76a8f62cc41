"""Panoptic-aware convolution and upsampling, against loops over pixels."""

import pytest
import torch
import torch.nn.functional as F
from segment_maps import maps, numbers
from torch import Tensor, nn

from oasis.models.initialization import convolution
from oasis.models.neighbours import Borderers, Neighbours
from oasis.models.panoptic_convolution import convolve, convolve_at
from oasis.models.surroundings import PanopticScales

SEEDS = range(4)


def sparse(neighbours: Neighbours) -> Borderers:
    return Borderers.of(neighbours.ratio > 1, neighbours)


def by_loops(x: Tensor, weight: Tensor, bias: Tensor, segments: Tensor) -> Tensor:
    batch, _, height, width = x.shape
    out = torch.zeros(batch, len(weight), height, width, dtype=x.dtype)
    for b in range(batch):
        for i in range(height):
            for j in range(width):
                total, seen = torch.zeros(len(weight), dtype=x.dtype), 0
                for y in (-1, 0, 1):
                    for z in (-1, 0, 1):
                        inside = 0 <= i + y < height and 0 <= j + z < width
                        if inside and segments[b, i + y, j + z] != segments[b, i, j]:
                            continue
                        seen += 1
                        if inside:
                            total += weight[:, :, y + 1, z + 1] @ x[b, :, i + y, j + z]
                out[b, :, i, j] = total * 9 / seen + bias
    return out


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("at_borders", [True, False])
def test_convolution_and_its_gradients_are_those_of_loops(seed: int, at_borders: bool) -> None:
    segments = maps(seed)
    given = [numbers(2, 3, 6, 8), numbers(5, 3, 3, 3, seed=1), numbers(5, seed=2)]
    upstream = numbers(2, 5, 6, 8, seed=3)
    results = []
    for way in (by_loops, None):
        x, weight, bias = (each.clone().requires_grad_() for each in given)
        if way is None:
            neighbours = Neighbours.of(segments)
            out = convolve(x, weight, bias, neighbours, sparse(neighbours) if at_borders else None)
        else:
            out = way(x, weight, bias, segments)
        out.backward(upstream)
        results.append((out, x.grad, weight.grad, bias.grad))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)  # the ratio is float32


@pytest.mark.parametrize("at_borders", [True, False])
@pytest.mark.parametrize("size", [(6, 8), (1, 5), (1, 1)])
def test_a_picture_of_one_segment_is_the_plain_convolution(size: tuple[int, int], at_borders: bool) -> None:
    x, weight, bias = numbers(2, 3, *size).float(), numbers(4, 3, 3, 3).float(), numbers(4).float()
    neighbours = Neighbours.of(torch.full((2, *size), 5))
    found = convolve(x, weight, bias, neighbours, sparse(neighbours) if at_borders else None)
    expected = F.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("at_borders", [True, False])
def test_other_segments_leave_no_trace(at_borders: bool) -> None:
    segments, x, weight = maps(0), numbers(2, 3, 6, 8).float(), numbers(4, 3, 3, 3).float()
    neighbours = Neighbours.of(segments)
    borderers = sparse(neighbours) if at_borders else None
    own = (segments == 1057).unsqueeze(1)
    changed = torch.where(own, x, 1e6 * numbers(2, 3, 6, 8, seed=9).float())
    before, after = (convolve(each, weight, None, neighbours, borderers) for each in (x, changed))
    assert before[own.expand_as(before)].equal(after[own.expand_as(after)])
    assert not before.equal(after)


def test_some_pixels_only() -> None:
    segments, x, weight, bias = maps(1), numbers(2, 3, 6, 8), numbers(4, 3, 3, 3), numbers(4)
    neighbours, wanted = Neighbours.of(segments), maps(2) == 3
    found = convolve_at(Borderers.of(wanted, neighbours), x, weight, bias)
    everywhere = by_loops(x, weight, bias, segments).permute(0, 2, 3, 1)
    torch.testing.assert_close(found, everywhere[wanted], rtol=0, atol=1e-5)


def doubled_by_loops(x: Tensor, filled: Tensor, segments: Tensor) -> Tensor:
    """Segments (B, 2H, 2W); the coarse ones are every other of them."""
    coarse, out = segments[:, ::2, ::2], filled.clone()
    batch, height, width = segments.shape
    for b in range(batch):
        for i in range(height):
            for j in range(width):
                candidates = []
                for y in range(i // 2 - 1, i // 2 + 2):
                    for z in range(j // 2 - 1, j // 2 + 2):
                        inside = 0 <= y < height // 2 and 0 <= z < width // 2
                        if inside and coarse[b, y, z] == segments[b, i, j]:
                            down, right = abs(2 * y + 0.5 - i), abs(2 * z + 0.5 - j)  # between centres, in fine pixels
                            candidates.append((down**2 + right**2, right, y, z))
                if candidates:
                    *_, y, z = min(candidates)
                    out[b, :, i, j] = x[b, :, y, z]
    return out


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("looks_closely", [True, False])
@pytest.mark.parametrize("size", [(3, 4), (1, 1)])
def test_upsampling_and_filling_are_those_of_loops(size: tuple[int, int], looks_closely: bool, seed: int) -> None:
    height, width = size
    segments = maps(seed, 2 * height, 2 * width)
    given, condition, fill = numbers(2, 3, *size), numbers(2, 2, 2 * height, 2 * width), convolution(2, 3).double()
    nn.init.normal_(fill.bias)
    results = []
    for slow in (True, False):
        x = given.clone().requires_grad_()
        fill.zero_grad()
        if slow:
            out = doubled_by_loops(x, by_loops(condition, fill.weight, fill.bias, segments), segments)
        else:
            out = PanopticScales(segments, sparse=looks_closely).double(x, fill, lambda *_: condition)
        out.backward(numbers(*out.shape, seed=5))
        results.append((out, x.grad, fill.weight.grad, fill.bias.grad))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    if size != (1, 1):
        shown = results[0][0].detach()
        assert not shown.allclose(F.interpolate(given, scale_factor=2)), "some pixel looks elsewhere"
