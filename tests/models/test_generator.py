import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import OASISGenerator


def tiny(condition_channels=3, noise_dim=2, num_blocks=6, **options):
    return OASISGenerator(condition_channels, noise_dim, 2, num_blocks, spade_channels=4, **options)


@pytest.fixture
def generator():
    torch.manual_seed(0)
    # Spread the weights, or a fresh network's output is almost 0: the gain is 0.02.
    generator = tiny()
    for name, parameter in generator.named_parameters():
        if "parametrizations" not in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return generator.eval()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 128), (96, 160)])
def test_image_has_the_size_of_the_condition_and_the_range_of_tanh(generator, height, width):
    image = generator(torch.randn(2, 3, height, width))
    assert image.shape == (2, 3, height, width)
    assert image.abs().max() <= 1


@pytest.mark.parametrize("num_blocks", [2, 3, 4, 7])
def test_any_number_of_blocks(num_blocks):
    generator = tiny(num_blocks=num_blocks).eval()
    assert generator.size_divisor == 2 ** (num_blocks - 1)
    size = 2 * generator.size_divisor
    assert generator(torch.zeros(1, 3, size, size)).shape == (1, 3, size, size)
    assert generator.blocks[-1].conv_1.out_channels == 2
    assert generator.stem.out_channels == 2 * min(16, 2**num_blocks)


def test_too_few_blocks():
    with pytest.raises(ConfigurationError, match=r"num_blocks=1.*at least 2"):
        tiny(num_blocks=1)


def test_published_widths():
    with torch.device("meta"):
        generator = OASISGenerator(35)
    assert [b.conv_1.out_channels for b in generator.blocks] == [1024, 1024, 512, 256, 128, 64]


def test_noise_vector_is_the_same_as_its_map(generator):
    condition, noise = torch.randn(2, 3, 32, 64), torch.randn(2, 2)
    as_map = noise[:, :, None, None].expand(2, 2, 32, 64)
    assert generator(condition, noise).equal(generator(condition, as_map))


def test_drawn_noise_differs_and_follows_the_seed(generator):
    condition = torch.randn(1, 3, 32, 64).expand(2, -1, -1, -1)
    torch.manual_seed(5)
    first, second = generator(condition), generator(condition)
    assert not first.allclose(second)
    assert not first[0].allclose(first[1]), "each image has a vector of its own"
    torch.manual_seed(5)
    assert generator(condition).equal(first)


def test_sample_noise_is_what_is_drawn(generator):
    condition = torch.randn(2, 3, 32, 64)
    torch.manual_seed(5)
    drawn = generator(condition)
    noise = torch.randn(2, generator.noise_dim, generator=torch.Generator().manual_seed(5))
    assert noise.shape == (2, 2)
    assert generator(condition, noise).equal(drawn)


def test_spatial_noise_acts_where_it_is(generator):
    # 512 pixels are 16 columns at the coarsest scale. There, SPADE and the block's convolutions reach 4 columns; the
    # finer scales add 2, 1, 1/2, .. at most: never the last two.
    condition, noise = torch.randn(1, 3, 32, 512), torch.randn(1, 2, 32, 512)
    changed = noise.clone()
    changed[..., :32] += 1
    difference = (generator(condition, noise) - generator(condition, changed)).abs().amax(dim=(0, 1, 2))
    assert difference[:32].max() > 1e-3
    assert difference[-64:].max() == 0


def test_generator_without_noise_repeats_itself():
    generator = tiny(noise_dim=0).eval()
    condition = torch.randn(1, 3, 32, 32)
    assert generator(condition).equal(generator(condition))
    with pytest.raises(ConfigurationError, match="without noise"):
        generator(condition, torch.zeros(1, 64))


@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (2, 2, 32, 32), (2,)])
def test_noise_of_another_shape(generator, shape):
    with pytest.raises(ConfigurationError, match=r"must be \(2, 2\).*\(2, 2, 32, 64\)"):
        generator(torch.zeros(2, 3, 32, 64), torch.zeros(shape))


def test_condition_of_another_encoding(generator):
    with pytest.raises(ConfigurationError, match=r"condition has 5 channels.*built for 3"):
        generator(torch.zeros(1, 5, 32, 64))


@pytest.mark.parametrize(
    ("size", "advice"),
    [((100, 64), "height 96 or 128, width 64"), ((64, 30), "height 64, width 32"), ((33, 50), "width 32 or 64")],
)
def test_sizes_that_do_not_fit(generator, size, advice):
    with pytest.raises(ConfigurationError, match=f"{size[0]}x{size[1]}.*multiples of 32.*{advice}"):
        generator(torch.zeros(1, 3, *size))


@pytest.mark.parametrize("norm", ["batch", "sync_batch", "instance"])
def test_norms(norm):
    generator = tiny(norm=norm)
    image = generator(torch.randn(2, 3, 64, 64))
    image.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())


def test_unknown_norm():
    with pytest.raises(ConfigurationError, match=r"norm='layer'.*batch, sync_batch, instance"):
        tiny(norm="layer")


def test_float64_and_bfloat16_follow_the_condition():
    generator = tiny().double().eval()
    assert generator(torch.randn(1, 3, 32, 32, dtype=torch.float64)).dtype == torch.float64
    with torch.autocast("cpu", dtype=torch.bfloat16):
        image = tiny()(torch.randn(1, 3, 64, 64))
    assert image.dtype == torch.bfloat16
    assert image.isfinite().all()
