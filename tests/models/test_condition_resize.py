"""The condition at coarse scales: nearest, or the share of each cell."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.models import OASISGenerator, SPADEGenerator
from oasis.models.condition_resize import area, nearest, resize_by_name, resized
from oasis.models.guides import DenseGuide
from oasis.models.patch_guide import PatchGuide
from oasis.models.pyramid import GuidePyramid, PlainPyramid
from oasis.models.spade import SPADE

CLASSES, NOISE = 4, 3


def street(batch: int = 2, height: int = 32, width: int = 64) -> Tensor:
    """A sky, a road, and a pole that is one pixel wide: (B, K, H, W) float64."""
    label = torch.zeros(batch, height, width, dtype=torch.int64)
    label[:, height // 2 + 1 :] = 1
    label[0, :, 13] = 2
    label[:, :, width - 7 :] = 3
    return F.one_hot(label, CLASSES).permute(0, 3, 1, 2).double()


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("size", [(4, 8), (8, 8), (16, 32), (32, 64)])
def test_area_is_the_share_of_each_cell(size: tuple[int, int]) -> None:
    condition = street()
    found = area(condition, size)
    rows, columns = 32 // size[0], 64 // size[1]
    for b, k, i, j in product(range(2), range(CLASSES), range(size[0]), range(size[1])):
        count = 0
        for y, x in product(range(rows), range(columns)):
            count += int(condition[b, k, i * rows + y, j * columns + x])
        assert found[b, k, i, j] == count / (rows * columns)
    assert found[0, 2].sum() > 0
    if columns > 1:
        assert nearest(condition, size)[0, 2].sum() == 0, "the pole vanishes"


def test_noise_keeps_its_variance() -> None:
    condition, noise = street(), numbers(2, NOISE, 32, 64)
    for pyramid in (PlainPyramid(condition, noise, area), GuidePyramid(condition, noise, area, sparse=False)):
        whole = pyramid.whole(8, 16)
        assert whole[:, :NOISE].equal(noise[:, :, ::4, ::4])
        assert whole[:, NOISE:].equal(area(condition, (8, 16)))
    assert resized(condition, 0, (8, 16), area).equal(area(condition, (8, 16)))


@pytest.mark.parametrize("noise", [numbers(2, NOISE), None, numbers(2, NOISE, 1, 1).expand(-1, -1, 32, 64)])
def test_distinct_neighbourhoods_of_shares_are_those_of_all_pixels(noise: Tensor | None) -> None:
    condition = street()
    pyramid, plain = GuidePyramid(condition, noise, area, sparse=True), PlainPyramid(condition, noise, area)
    torch.manual_seed(0)
    layer = SPADE(5, CLASSES + (0 if noise is None else NOISE), hidden_channels=6).double()
    found = []
    for size in ((32, 64), (16, 32), (8, 16), (4, 8)):
        guide = pyramid.at(*size)
        found.append(type(guide))
        x = numbers(2, 5, *size)
        expected = layer(x, plain.at(*size))
        torch.testing.assert_close(guide.modulate(layer, x, layer.norm), expected, rtol=0, atol=1e-10)
    assert found[:2] == [PatchGuide, PatchGuide]
    assert found[-1] is DenseGuide, "too many are distinct"


def test_shares_that_are_different_are_told_apart() -> None:
    """Cells of 4x4 with any shares of four classes: their bits differ in few places, which hashes must not lose."""
    shares = [each for each in product(range(17), repeat=CLASSES) if sum(each) == 16]
    cells = torch.tensor([[k for k, count in enumerate(each) for _ in range(count)] for each in shares])
    many = cells.view(1, -1, 1, 4, 4).expand(-1, -1, 20, -1, -1)  # each 20 times, or too many would be distinct
    label = many.permute(0, 1, 3, 2, 4).reshape(1, 4 * len(shares), 80)
    condition = F.one_hot(label, CLASSES).permute(0, 3, 1, 2).float()
    found = GuidePyramid(condition, None, area, sparse=True)._distinct_at(len(shares), 20)
    assert found is not None
    number, vectors = found
    assert len(vectors) == len(shares)
    assert vectors[number].permute(0, 3, 1, 2).equal(area(condition, (len(shares), 20)))


@pytest.mark.parametrize("kind", ["vectors", "pixels", "spade"])
def test_all_paths_lead_to_the_same_picture(kind: str) -> None:
    condition = street()
    noise = {"vectors": numbers(2, NOISE), "pixels": numbers(2, NOISE, 32, 64), "spade": None}[kind]
    pictures = []
    for options in ({"fast": False}, {"sparse": False}, {"sparse": True}, {"condition_resize": "nearest"}):
        settings = {"condition_resize": "area", "spade_channels": 8, "init_gain": 1.0, **options}
        torch.manual_seed(0)
        network = (
            SPADEGenerator(CLASSES, channels=4, **settings)  # type: ignore[arg-type]
            if noise is None
            else OASISGenerator(CLASSES, NOISE, 4, 4, **settings)  # type: ignore[arg-type]
        )
        picture = network.double()(condition, noise)
        picture.sum().backward()
        assert all(weight.grad is not None for weight in network.parameters())
        pictures.append(picture.detach())
    reference, dense, sparse, by_nearest = pictures
    torch.testing.assert_close(dense, reference, rtol=0, atol=1e-9)
    torch.testing.assert_close(sparse, reference, rtol=0, atol=1e-9)
    assert not by_nearest.allclose(reference, atol=1e-3)


@pytest.mark.parametrize("name", ["bilinear", "", "Area"])
def test_unknown_ways(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"generator.condition_resize={name}: .*nearest, area"):
        resize_by_name(name)
    for network in (OASISGenerator, SPADEGenerator):
        with pytest.raises(ConfigurationError, match=r"choose one of nearest, area"):
            network(CLASSES, channels=2, condition_resize=name)  # type: ignore[arg-type]
