import pytest
import torch
from torch import nn

from oasis.errors import ConfigurationError
from oasis.models import FeatureEncoder, Generator, Pix2PixHDGenerator, Pix2PixHDLocalEnhancer
from oasis.models.feature_encoder import mean_of_segments
from oasis.training.recomputation import recompute_blocks

KINDS = [Pix2PixHDGenerator, Pix2PixHDLocalEnhancer]


@pytest.mark.parametrize("kind", KINDS)
def test_generator(kind):
    torch.manual_seed(0)
    generator = kind(5, channels=2, num_halvings=2, num_blocks=2)
    assert isinstance(generator, Generator)
    assert generator.size_divisor == (4 if kind is Pix2PixHDGenerator else 8)
    condition = torch.rand(2, 5, 32, 48)
    image = generator(condition)
    assert image.shape == (2, 3, 32, 48)
    assert image.abs().max() <= 1
    assert generator(condition).equal(image)
    image.sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_initialisation(kind):
    torch.manual_seed(0)
    layers = [each for each in kind(8, channels=16).modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]
    values = torch.cat([layer.weight.flatten() for layer in layers])
    assert values.std().item() == pytest.approx(0.02, rel=0.01)
    assert all(layer.bias.eq(0).all() for layer in layers)


def test_the_enhancer_sees_the_full_picture_and_the_half():
    torch.manual_seed(0)
    generator = Pix2PixHDLocalEnhancer(3, channels=2, num_halvings=1, num_blocks=1)
    seen = {}
    for name in ("trunk", "before"):
        getattr(generator, name).register_forward_pre_hook(
            lambda _layer, inputs, name=name: seen.update({name: tuple(inputs[0].shape)})
        )
    generator(torch.rand(1, 3, 16, 24))
    assert seen == {"trunk": (1, 3, 8, 12), "before": (1, 3, 16, 24)}


@pytest.mark.parametrize("kind", KINDS)
def test_residual_blocks_can_be_recomputed(kind):
    generator = kind(3, channels=2, num_halvings=1, num_blocks=2)
    blocks = list(generator.blocks_to_recompute())
    assert len(blocks) == (2 if kind is Pix2PixHDGenerator else 5)
    gradients = []
    for again in (False, True):
        if again:
            recompute_blocks(blocks)
        generator.zero_grad()
        generator(torch.linspace(0, 1, 3 * 8 * 12).view(1, 3, 8, 12)).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in generator.parameters()])
    assert all(one.equal(other) for one, other in zip(*gradients, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit(kind):
    generator = kind(3, channels=2, num_halvings=3, num_blocks=1)
    least = 2 * generator.size_divisor
    with pytest.raises(ConfigurationError, match=rf"{kind.__name__}: pictures of 8x100.*multiples"):
        generator(torch.zeros(1, 3, 8, 100))
    with pytest.raises(ConfigurationError, match=rf"too small.*at least {least}"):
        generator(torch.zeros(1, 3, least // 2, least))
    with pytest.raises(ConfigurationError, match=r"condition has 4 channels.*built for 3"):
        generator(torch.zeros(1, 4, least, least))
    with pytest.raises(ConfigurationError, match="without noise"):
        generator(torch.zeros(1, 3, least, least), torch.zeros(1, 8))
    assert generator(torch.zeros(1, 3, least, least)).isfinite().all()


def test_numbers_below_one():
    with pytest.raises(ConfigurationError, match="num_halvings=0, num_blocks=9"):
        Pix2PixHDGenerator(3, num_halvings=0)
    with pytest.raises(ConfigurationError, match="num_local_blocks=0"):
        Pix2PixHDLocalEnhancer(3, num_local_blocks=0)


def test_means_of_segments_by_a_loop():
    random = torch.Generator().manual_seed(0)
    segments = torch.randint(0, 4, (2, 5, 6), generator=random)
    features = torch.rand(2, 3, 5, 6, generator=random, requires_grad=True)
    found = mean_of_segments(features, segments, 9)
    for b in range(2):
        for segment in segments[b].unique():
            here = segments[b] == segment
            for d in range(3):
                torch.testing.assert_close(found[b, d][here], features[b, d][here].mean().expand(int(here.sum())))
    found.sum().backward()
    torch.testing.assert_close(features.grad, torch.ones_like(features))


def test_features_are_the_same_over_a_segment_and_learn():
    torch.manual_seed(0)
    encoder = FeatureEncoder(channels=2, num_halvings=2)
    segments = torch.arange(32).div(8, rounding_mode="floor").expand(2, 16, 32)
    features = encoder(torch.rand(2, 3, 16, 32), segments, 4)
    assert features.shape == (2, 3, 16, 32)
    assert features.view(2, 3, 16, 4, 8).amax(dim=(2, 4)).equal(features.view(2, 3, 16, 4, 8).amin(dim=(2, 4)))
    features.square().sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
    with pytest.raises(ConfigurationError, match=r"FeatureEncoder: pictures of 15x32"):
        encoder(torch.rand(1, 3, 15, 32), segments[:1, :15], 4)
