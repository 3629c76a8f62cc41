import math

import pytest
import torch
from torch.nn.utils.parametrize import is_parametrized

from oasis.errors import ConfigurationError
from oasis.models import OASISDiscriminator, OASISGenerator
from oasis.models.initialization import convolution

NETWORKS = {
    "generator": lambda **options: OASISGenerator(5, channels=4, **options),
    "discriminator": lambda **options: OASISDiscriminator(5, channels=8, **options),
}


def convolutions(network):
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, torch.nn.Conv2d)}


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_xavier_normal_with_a_small_gain_and_no_bias(spectral_norm):
    torch.manual_seed(0)
    layer = convolution(64, 128, 3, spectral_norm=spectral_norm)
    weight = layer.parametrizations.weight.original if spectral_norm else layer.weight
    expected = 0.02 * math.sqrt(2 / ((64 + 128) * 9))
    assert weight.std().item() == pytest.approx(expected, rel=0.02)
    assert abs(weight.mean().item()) < expected / 100
    assert layer.bias.eq(0).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_spectral_norm_is_one_from_the_start(name):
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    normed = {n: layer for n, layer in convolutions(network).items() if is_parametrized(layer)}
    assert normed
    for layer_name, layer in normed.items():
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2).item()
        assert largest == pytest.approx(1, abs=0.1), layer_name


def test_which_layers_bear_a_spectral_norm():
    generator, discriminator = NETWORKS["generator"](), NETWORKS["discriminator"]()
    for name, layer in convolutions(generator).items():
        assert is_parametrized(layer) == (".conv_" in name), name
    for name, layer in convolutions(discriminator).items():
        assert is_parametrized(layer) == (name != "head"), name


@pytest.mark.parametrize("name", NETWORKS)
def test_no_spectral_norm(name):
    network = NETWORKS[name](spectral_norm=False)
    assert not any(is_parametrized(layer) for layer in convolutions(network).values())
    output = network(torch.randn(1, network_input_channels(name), 64, 64))
    assert (output if name == "generator" else output.logits).isfinite().all()


def network_input_channels(name):
    return 5 if name == "generator" else 3


def test_gain_scales_what_was_drawn():
    torch.manual_seed(0)
    published = OASISDiscriminator(5, channels=8, num_blocks=3)
    torch.manual_seed(0)
    larger = OASISDiscriminator(5, channels=8, num_blocks=3, init_gain=1.0)
    for name, value in published.state_dict().items():
        factor = 50 if name.endswith(("original", "head.weight")) else 1  # biases and singular vectors stay
        assert torch.allclose(larger.state_dict()[name], factor * value, rtol=1e-5), name
    # the spectral norm sees to it that the features, but not the logits, are the same
    image = torch.rand(1, 3, 16, 16)
    assert torch.allclose(larger.eval().features(image), published.eval().features(image), atol=1e-6)


def test_gain_of_zero_is_refused():
    with pytest.raises(ConfigurationError, match=r"init_gain=0.*0\.02"):
        OASISGenerator(3, channels=2, init_gain=0)
