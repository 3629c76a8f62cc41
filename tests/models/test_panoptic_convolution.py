"""Panoptic-aware convolution and upsampling, against loops over pixels."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models import OASISGenerator, PanopticSurroundings, PlainSurroundings, SPADEGenerator
from oasis.models.initialization import convolution
from oasis.models.neighbours import Borderers, Neighbours
from oasis.models.panoptic_convolution import convolve, convolve_at
from oasis.models.spade_decoder import SPADEDecoder
from oasis.models.surroundings import PanopticScales

SEEDS = range(4)


def maps(seed: int, height: int = 6, width: int = 8, batch: int = 2) -> Tensor:
    """Segments with holes, specks and touching ones: (B, H, W) int64 with gaps between the numbers."""
    random = torch.Generator().manual_seed(seed)
    segments = torch.randint(2, (batch, height, width), generator=random) * 7  # specks
    for image in segments:
        for number in (3, 1057):
            y, x = (int(torch.randint(size, (), generator=random)) for size in (height // 2, width // 2))
            image[y : y + height // 2, x : x + width // 2] = number
    return segments


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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


CLASSES, NOISE = 4, 3


def generator(kind: type[SPADEDecoder] = OASISGenerator, **options: object) -> SPADEDecoder:
    torch.manual_seed(0)
    options = {"panoptic": PanopticSurroundings(), "spade_channels": 8, "init_gain": 1.0, **options}
    if kind is OASISGenerator:
        options = {"noise_dim": NOISE, "num_blocks": 3, **options}
    return kind(CLASSES, channels=4, **options)  # type: ignore[arg-type]


def inputs(seed: int = 0, height: int = 32, width: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    segments = maps(seed, height // 2, width // 2).repeat_interleave(2, 1).repeat_interleave(2, 2)
    condition = F.one_hot(segments % CLASSES, CLASSES).permute(0, 3, 1, 2).float()
    return condition, numbers(2, NOISE, seed=seed).float(), segments


def spread(network: nn.Module) -> nn.Module:
    """Biases too, which start at 0."""
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.3)
    return network


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", [OASISGenerator, SPADEGenerator])
def test_all_paths_lead_to_the_same_picture(kind: type[SPADEDecoder], training: bool) -> None:
    condition, noise, segments = inputs()
    drawn = noise.double() if kind is OASISGenerator else None
    pictures, gradients = [], []
    for options in ({"fast": False}, {"sparse": False}, {"sparse": True}):
        network = spread(generator(kind, **options)).double().train(training)
        picture = network(condition.double(), drawn, segments)
        picture.square().sum().backward()
        pictures.append(picture.detach())
        gradients.append({name: weight.grad for name, weight in network.named_parameters()})
    for picture, found in zip(pictures[1:], gradients[1:], strict=True):
        torch.testing.assert_close(picture, pictures[0], rtol=0, atol=1e-8)
        for name, expected in gradients[0].items():
            torch.testing.assert_close(found[name], expected, rtol=1e-5, atol=1e-6, msg=name)
    assert pictures[0].std() > 1e-2


def test_weights_are_those_of_a_plain_generator_and_the_fills() -> None:
    aware, plain = generator().state_dict(), generator(panoptic=PlainSurroundings()).state_dict()
    assert {name for name in aware if name not in plain} == {
        f"fills.{position}.{kind}" for position in (1, 2) for kind in ("weight", "bias")
    }
    for name, value in plain.items():
        assert value.equal(aware[name]), name


@pytest.mark.parametrize("sparse_", [True, False])
def test_a_picture_of_one_segment_is_that_of_the_plain_generator(sparse_: bool) -> None:
    condition, noise, segments = inputs()
    aware = spread(generator(sparse=sparse_)).eval()
    plain = generator(panoptic=PlainSurroundings(), sparse=sparse_).eval()
    plain.load_state_dict({name: value for name, value in aware.state_dict().items() if "fills" not in name})
    assert not plain.needs_segments
    found, expected = aware(condition, noise, torch.zeros_like(segments)), plain(condition, noise)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert not aware(condition, noise, segments).allclose(expected, atol=1e-3)


@pytest.mark.parametrize("options", [{"sparse": True}, {"sparse": False}, {"fast": False}])
def test_numbers_of_segments_mean_nothing(options: dict[str, bool]) -> None:
    condition, noise, segments = inputs()
    network = spread(generator(**options)).eval()
    renumbered = torch.full((1058,), -1).scatter(0, torch.tensor([0, 3, 7, 1057]), torch.tensor([41, 0, 99, 2]))
    assert network(condition, noise, segments).equal(network(condition, noise, renumbered[segments]))


@pytest.mark.parametrize("options", [{"sparse": True}, {"sparse": False}])
def test_pictures_of_a_batch_do_not_meet(options: dict[str, bool]) -> None:
    condition, noise, segments = inputs()
    network = spread(generator(**options)).eval()
    together = network(condition, noise, segments)
    for i in range(2):
        alone = network(condition[i : i + 1], noise[i : i + 1], segments[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{"sparse": True}, {"sparse": False}])
@pytest.mark.parametrize(("height", "width"), [(4, 4), (4, 12), (16, 32)])
def test_every_pixel_a_segment_of_its_own(height: int, width: int, options: dict[str, bool]) -> None:
    segments = torch.arange(2 * height * width).view(2, height, width)
    network = generator(**options)
    picture = network(torch.rand(2, CLASSES, height, width), None, segments)
    picture.sum().backward()
    assert picture.shape == (2, 3, height, width)
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("options", [{"sparse": True}, {"sparse": False}, {"fast": False}])
def test_bfloat16(options: dict[str, bool]) -> None:
    condition, noise, segments = inputs()
    network = spread(generator(**options))
    exact = network.eval()(condition, noise, segments)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        picture = network.train()(condition, noise, segments)
        rounded = network.eval()(condition, noise, segments)
    assert picture.dtype == torch.bfloat16
    picture.float().square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())
    exact = network(condition, noise, segments)  # after the one step of its statistics
    assert (rounded.float() - exact).abs().mean() < 0.05


def test_no_seed_and_no_memory_format_matters() -> None:
    condition, noise, segments = inputs()
    network = spread(generator()).eval()
    expected = network(condition, noise, segments)
    network = network.to(memory_format=torch.channels_last)
    found = network(condition.contiguous(memory_format=torch.channels_last), noise, segments)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_segments_are_required() -> None:
    condition, noise, segments = inputs()
    with pytest.raises(ConfigurationError, match=r"panoptic=aware needs the segments.*\(2, 32, 64\).*panoptic=plain"):
        generator()(condition, noise)
    with pytest.raises(ConfigurationError, match=r"shape \(2, 16, 64\).*must be \(2, 32, 64\) int64"):
        generator()(condition, noise, segments[:, ::2])
    with pytest.raises(ConfigurationError, match=r"type torch.float32"):
        generator()(condition, noise, segments.float())
    with pytest.raises(ConfigurationError, match=r"generator.panoptic=aware.*generator/panoptic=aware"):
        generator(panoptic="aware")
