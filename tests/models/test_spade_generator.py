import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import OASISGenerator, SPADEGenerator, StyleEncoder


def tiny(**options):
    torch.manual_seed(0)
    return SPADEGenerator(3, channels=2, spade_channels=4, init_gain=1.0, **options).eval()


def stripes(height=64, width=128):
    label = torch.arange(width).div(16, rounding_mode="floor").remainder(3).expand(2, height, width)
    return torch.nn.functional.one_hot(label, 3).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize(("more", "divisor"), [(False, 32), (True, 64)])
def test_blocks_and_sizes(more, divisor):
    generator = tiny(more_upsampling=more)
    assert generator.size_divisor == divisor
    sizes = []
    for block in generator.blocks:
        block.register_forward_hook(lambda _block, _inputs, output: sizes.append(tuple(output.shape[1:])))
    image = generator(stripes())
    assert image.shape == (2, 3, 64, 128)
    assert image.std() > 0.01
    assert image.abs().max() < 1
    coarsest = 64 // divisor
    finer = [1, 2, 4 if more else 2, 8 if more else 4, 16 if more else 8, 32 if more else 16, 64 if more else 32]
    rows = [coarsest * factor for factor in finer]
    assert sizes == [(c, r, 2 * r) for c, r in zip((32, 32, 32, 16, 8, 4, 2), rows, strict=True)]


@pytest.mark.parametrize("options", [{}, {"noise_dim": 5, "height": 64, "width": 128}])
@pytest.mark.parametrize("training", [True, False])
def test_the_fast_path_equals_the_plain_one(options, training):
    fast, plain = tiny(**options).double(), tiny(**options, fast=False).double()
    noise = torch.randn(2, 5).double() if options else None
    images = []
    for generator in (fast, plain):
        generator.train(training)
        image = generator(stripes().double(), noise)
        image.square().sum().backward()
        images.append(image.detach())
    torch.testing.assert_close(images[0], images[1], rtol=0, atol=1e-8)
    for one, other in zip(fast.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-7)


def test_one_picture_of_a_map_without_a_latent_vector():
    generator = tiny()
    assert generator.noise_dim == 0
    assert generator(stripes()).equal(generator(stripes()))
    with pytest.raises(ConfigurationError, match="without noise"):
        generator(stripes(), torch.zeros(2, 256))


def test_a_latent_vector_decides():
    generator = tiny(noise_dim=5, height=64, width=128)
    torch.manual_seed(5)
    first = generator(stripes())
    assert not first[0].allclose(first[1]), "each image has a vector of its own"
    torch.manual_seed(5)
    assert generator(stripes(), torch.randn(2, 5)).equal(first)


def test_the_style_of_a_photo_is_a_latent_vector_with_a_gradient():
    generator, encoder = tiny(noise_dim=5, height=64, width=128), StyleEncoder(5, channels=2)
    style = encoder(torch.rand(2, 3, 40, 60))
    generator(stripes(), style.sample()).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_samples_of_a_style_have_its_moments():
    encoder = StyleEncoder(3, channels=2)
    style = encoder(torch.rand(1, 3, 256, 256))
    style = type(style)(torch.tensor([[1.0, -2.0, 0.0]]), torch.tensor([[0.0, 2.0, -4.0]]))
    random = torch.Generator().manual_seed(0)
    drawn = torch.cat([style.sample(torch.randn(1, 3, generator=random)) for _ in range(4000)])
    assert (drawn.mean(dim=0) - style.mean).abs().max() < 0.15
    torch.testing.assert_close(drawn.std(dim=0).log() * 2, style.log_variance[0], rtol=0, atol=0.1)


def test_linear_layers_have_the_xavier_gain_too():
    torch.manual_seed(0)
    published = SPADEGenerator(3, 64, 2, height=64, width=128)
    expected = 0.02 * (2 / (64 + 32 * 2 * 4)) ** 0.5
    assert published.stem.weight.std().item() == pytest.approx(expected, rel=0.02)
    assert published.stem.bias.eq(0).all()
    torch.manual_seed(0)
    larger = SPADEGenerator(3, 64, 2, height=64, width=128, init_gain=1.0)
    torch.testing.assert_close(larger.stem.weight, 50 * published.stem.weight)


@pytest.mark.parametrize(("height", "width"), [(None, None), (64, None), (64, 100), (0, 64)])
def test_a_latent_vector_needs_a_size(height, width):
    with pytest.raises(ConfigurationError, match=rf"generator\.height={height}, generator\.width={width}.*of 32"):
        SPADEGenerator(3, 256, 2, height=height, width=width)


def test_what_does_not_fit():
    generator = tiny(noise_dim=5, height=64, width=128)
    with pytest.raises(ConfigurationError, match=r"has 128x64 pixels.*here 64x128"):
        generator(stripes(128, 64))
    with pytest.raises(ConfigurationError, match=r"noise of shape \(2, 5, 64, 128\); it must be \(2, 5\)"):
        generator(stripes(), torch.zeros(2, 5, 64, 128))
    with pytest.raises(ConfigurationError, match=r"SPADEGenerator: the condition has 4 channels.*built for 3"):
        generator(torch.zeros(2, 4, 64, 128))
    with pytest.raises(ConfigurationError, match=r"SPADEGenerator: pictures of 64x100"):
        tiny()(torch.zeros(1, 3, 64, 100))


@pytest.mark.parametrize("kind", [OASISGenerator, SPADEGenerator])
def test_bilinear_upsampling_leaves_no_edges_between_copies(kind):
    """Of constant features but one pixel, the second of four columns is between its neighbours, not a copy of one."""
    sizes = {"num_blocks": 3} if kind is OASISGenerator else {}
    made = {name: kind(3, channels=4, upsampling=name, **sizes) for name in ("nearest", "bilinear")}
    x = torch.tensor([[[[0.0, 4.0]]]])
    doubled = {
        name: each.surroundings.scales(None, each.upsampling, sparse=False)
        .double(x, None, torch.empty)[0, 0, 0]
        .tolist()
        for name, each in made.items()
    }
    assert doubled == {"nearest": [0, 0, 4, 4], "bilinear": [0, 1, 3, 4]}
    with pytest.raises(
        ConfigurationError, match=r"generator\.upsampling=cubic: not known; choose one of nearest, bilin"
    ):
        kind(3, channels=4, upsampling="cubic", **sizes)
