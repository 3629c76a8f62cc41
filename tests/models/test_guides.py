"""The fast ways to steer SPADE layers, against the plain one."""

from collections.abc import Callable
from functools import partial
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models import OASISGenerator
from oasis.models.guides import DenseGuide, Guide
from oasis.models.patch_guide import PatchGuide
from oasis.models.pyramid import GuidePyramid
from oasis.models.spade import SPADE
from oasis.models.spade_block import SPADEBlock

CLASSES, NOISE, BATCH, HEIGHT, WIDTH = 5, 3, 2, 16, 32


def label_map(seed: int = 0) -> Tensor:
    """A sky, a road, a few boxes: (B, H, W) int64."""
    random = torch.Generator().manual_seed(seed)
    label = torch.zeros(BATCH, HEIGHT, WIDTH, dtype=torch.int64)
    label[:, HEIGHT // 2 :] = 1
    for image in label:
        for class_index in range(2, CLASSES):
            y, x = (int(torch.randint(size - 3, (), generator=random)) for size in (HEIGHT, WIDTH))
            image[y : y + 4, x : x + 3] = class_index
    return label


def one_hot(label: Tensor) -> Tensor:
    return nn.functional.one_hot(label, CLASSES).permute(0, 3, 1, 2).double()


def noise_vectors() -> Tensor:
    return torch.randn(BATCH, NOISE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def noise_of_classes(label: Tensor) -> Tensor:
    """Noise that is one vector a class: a map, but constant over long stretches."""
    drawn = torch.randn(CLASSES, NOISE, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return drawn[label].permute(0, 3, 1, 2)


def noise_of_pixels() -> Tensor:
    return torch.randn(BATCH, NOISE, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


NOISES: dict[str, Callable[[], Tensor]] = {
    "of the image": noise_vectors,
    "of each class": lambda: noise_of_classes(label_map()),
    "of each pixel": noise_of_pixels,
}


def widened(noise: Tensor) -> Tensor:
    return noise if noise.dim() == 4 else noise[:, :, None, None].expand(-1, -1, HEIGHT, WIDTH)


def patch_guide(condition: Tensor, noise: Tensor | None) -> PatchGuide:
    guide = GuidePyramid(condition, noise, sparse=True).at(*condition.shape[-2:])
    assert isinstance(guide, PatchGuide)
    return guide


def spade(kernel_size: int = 3, norm: str = "batch") -> SPADE:
    torch.manual_seed(4)
    layer = SPADE(6, NOISE + CLASSES, hidden_channels=7, kernel_size=kernel_size, norm=norm).double()  # type: ignore[arg-type]
    for parameter in layer.parameters():
        nn.init.normal_(parameter)  # biases too, which start at 0
    if norm == "batch":
        for name, buffer in layer.norm.named_buffers():
            if name.startswith("running"):
                nn.init.uniform_(buffer, 0.5, 2)
    return layer


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("kind", ["dense", "patches"])
def test_a_guide_does_what_the_plain_spade_does(kind: str, norm: str, noise: str, training: bool) -> None:
    if kind == "patches" and noise == "of each pixel":
        pytest.skip("falls back to dense, see below")
    condition, drawn = one_hot(label_map()), NOISES[noise]()
    layer = spade(norm=norm).train(training)
    x = torch.randn(BATCH, 6, HEIGHT, WIDTH, dtype=torch.float64)
    expected = nn.functional.leaky_relu(layer(x, torch.cat([widened(drawn), condition], dim=1)), 0.2)
    vectors = drawn if drawn.dim() == 2 else None
    whole = condition if drawn.dim() == 2 else torch.cat([drawn, condition], dim=1)
    guide: Guide = patch_guide(whole, vectors) if kind == "patches" else DenseGuide(whole, vectors)
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            found = guide.modulate(layer, x, layer.norm, 0.2)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel_size", [1, 5])
@pytest.mark.parametrize(("height", "width"), [(16, 32), (2, 3), (1, 4)])
def test_dense_guides_take_any_kernel_and_tiny_maps(kernel_size: int, height: int, width: int) -> None:
    layer = spade(kernel_size)
    condition, noise = torch.rand(BATCH, CLASSES, height, width).double(), noise_vectors()
    x = torch.randn(BATCH, 6, height, width, dtype=torch.float64)
    repeated = noise[:, :, None, None].expand(-1, -1, height, width)
    expected = layer(x, torch.cat([repeated, condition], dim=1))
    found = DenseGuide(condition, noise).modulate(layer, x, layer.norm)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def gradients(block: nn.Module, x: Tensor, condition: Tensor | Guide) -> dict[str, Tensor]:
    block.zero_grad()
    x = x.clone().requires_grad_()
    out = block(x, condition)
    (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)).sum().backward()
    found = {name: parameter.grad.clone() for name, parameter in block.named_parameters() if parameter.grad is not None}
    return found | {"x": cast(Tensor, x.grad), "out": out.detach()}


@pytest.mark.parametrize("noise", ["of the image", "of each class"])
@pytest.mark.parametrize("widths", [(6, 4), (4, 4)], ids=["learnt shortcut", "identity"])
@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize("kind", ["dense", "patches"])
def test_the_gradients_of_a_block_are_those_of_the_plain_path(
    kind: str, spectral_norm: bool, widths: tuple[int, int], noise: str
) -> None:
    torch.manual_seed(5)
    modulation = partial(SPADE, condition_channels=NOISE + CLASSES, hidden_channels=7)
    block = SPADEBlock(*widths, modulation, spectral_norm=spectral_norm).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    state = {name: value.clone() for name, value in block.state_dict().items()}
    condition, drawn = one_hot(label_map()), NOISES[noise]()
    x = torch.randn(BATCH, widths[0], HEIGHT, WIDTH, dtype=torch.float64)
    expected = gradients(block, x, torch.cat([widened(drawn), condition], dim=1))
    statistics = {name: value.clone() for name, value in block.state_dict().items()}

    block.load_state_dict(state)
    vectors = drawn if drawn.dim() == 2 else None
    whole = condition if drawn.dim() == 2 else torch.cat([drawn, condition], dim=1)
    guide: Guide = patch_guide(whole, vectors) if kind == "patches" else DenseGuide(whole, vectors)
    found = gradients(block, x, guide)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9, msg=name)
    for name, value in statistics.items():
        torch.testing.assert_close(block.state_dict()[name], value, msg=name)


def generator(*, fast: bool, sparse: bool | None = None, noise_dim: int = NOISE) -> OASISGenerator:
    torch.manual_seed(6)
    return OASISGenerator(
        CLASSES, noise_dim, channels=4, num_blocks=3, spade_channels=8, init_gain=1.0, fast=fast, sparse=sparse
    ).double()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("noise", [*NOISES, None])
@pytest.mark.parametrize("sparse", [True, False])
def test_the_generator_generates_the_same_picture_either_way(sparse: bool, noise: str | None, training: bool) -> None:
    drawn = None if noise is None else NOISES[noise]()
    noise_dim = 0 if noise is None else NOISE
    plain = generator(fast=False, noise_dim=noise_dim).train(training)
    fast = generator(fast=True, sparse=sparse, noise_dim=noise_dim).train(training)
    condition = one_hot(label_map())
    with torch.no_grad():
        expected, found = plain(condition, drawn), fast(condition, drawn)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    assert expected.std() > 0.1
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(fast.state_dict()[name], value, msg=name)


def test_nothing_given_to_the_generator_is_overwritten() -> None:
    condition, noise = one_hot(label_map()), noise_vectors()
    before = condition.clone(), noise.clone()
    with torch.no_grad():
        generator(fast=True, sparse=True).eval()(condition, noise)
    assert torch.equal(condition, before[0])
    assert torch.equal(noise, before[1])


def test_what_differs_everywhere_is_computed_everywhere() -> None:
    condition = one_hot(label_map())
    gradient = torch.linspace(0, 1, WIDTH, dtype=torch.float64).expand(BATCH, 1, HEIGHT, -1)
    everywhere = torch.cat([condition, gradient], dim=1)
    assert isinstance(GuidePyramid(everywhere, noise_vectors(), sparse=True).at(HEIGHT, WIDTH), DenseGuide)
    assert isinstance(GuidePyramid(condition, noise_of_pixels(), sparse=True).at(HEIGHT, WIDTH), DenseGuide)
    assert isinstance(GuidePyramid(condition, noise_vectors(), sparse=False).at(HEIGHT, WIDTH), DenseGuide)
    assert isinstance(GuidePyramid(condition, noise_vectors(), sparse=True).at(HEIGHT, WIDTH), PatchGuide)


def test_a_condition_that_learns_gets_its_gradient() -> None:
    condition = one_hot(label_map())
    results = []
    for network in (generator(fast=False), generator(fast=True, sparse=True)):
        leaf = condition.clone().requires_grad_()
        network(leaf, noise_vectors()).square().sum().backward()
        results.append(leaf.grad)
    torch.testing.assert_close(results[0], results[1])


def test_in_bfloat16_it_is_as_close_as_bfloat16_goes() -> None:
    condition, noise = one_hot(label_map()).float(), noise_vectors().float()
    exact = generator(fast=False).float().eval()(condition, noise)
    errors = {}
    for fast in (False, True):
        network = generator(fast=fast, sparse=fast).float().eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            errors[fast] = (network(condition, noise).float() - exact).abs().mean().item()
    assert 0 < errors[True] < 2 * errors[False]


def test_gradients_in_bfloat16_are_as_good_as_those_of_the_plain_path() -> None:
    condition, noise = one_hot(label_map()).float(), noise_vectors().float()

    def all_gradients(*, fast: bool, half: bool) -> Tensor:
        network = generator(fast=fast, sparse=fast).float()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            network(condition, noise).square().mean().backward()
        return torch.cat([nn.functional.normalize(cast(Tensor, p.grad).flatten(), dim=0) for p in network.parameters()])

    exact = all_gradients(fast=False, half=False)
    errors = {fast: (all_gradients(fast=fast, half=True) - exact).norm() for fast in (False, True)}
    assert 0 < errors[True] < 1.5 * errors[False]


def test_a_noise_that_does_not_fit_is_refused_on_the_fast_path_too() -> None:
    with pytest.raises(ConfigurationError, match="noise of shape"):
        generator(fast=True)(one_hot(label_map()), torch.zeros(BATCH, NOISE + 1))
