"""Panoptic-aware generators: all paths alike, and what segments may and may not do to a picture."""

import pytest
import torch
import torch.nn.functional as F
from segment_maps import maps, numbers
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models import OASISGenerator, PanopticSurroundings, PlainSurroundings, SPADEGenerator
from oasis.models.spade_decoder import SPADEDecoder

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
    with pytest.raises(ConfigurationError, match=r"no segments.*panoptic=aware.*panoptic=plain.*\(2, 32, 64\)"):
        generator()(condition, noise)
    with pytest.raises(ConfigurationError, match=r"shape \(2, 16, 64\).*must be \(2, 32, 64\) int64"):
        generator()(condition, noise, segments[:, ::2])
    with pytest.raises(ConfigurationError, match=r"type torch.float32"):
        generator()(condition, noise, segments.float())
    with pytest.raises(ConfigurationError, match=r"generator.panoptic=aware.*generator/panoptic=aware"):
        generator(panoptic="aware")
