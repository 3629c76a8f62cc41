"""Noise of every pixel: what it is a function of, and that it is noise."""

import pytest
import torch
from torch import nn

from oasis.errors import ConfigurationError
from oasis.models import INADEGenerator, OASISGenerator, SegmentTokenGenerator, TransformerGenerator
from oasis.models.segment_rows import SegmentRows
from oasis.models.texture_noise import TextureNoise, pixel_vectors

CPU = torch.device("cpu")


def layer(number=0):
    made = TextureNoise(3, number)
    nn.init.constant_(made.strength, 1.0)
    return made


def texture(noise, height=64, width=128, number=0):
    return layer(number)(torch.zeros(len(noise), 3, height, width), noise).detach()[:, 0]


def test_numbers_of_pixels_look_random():
    vectors = pixel_vectors(8, 64, 128, 3, CPU)
    assert vectors.mean().abs() < 0.02
    assert vectors.var().item() == pytest.approx(1, abs=0.02)
    together = torch.corrcoef(torch.cat([vectors.flatten(1), pixel_vectors(8, 64, 128, 4, CPU).flatten(1)]))
    assert (together - torch.eye(16)).abs().max() < 0.06
    for shift in (1, 2, 7):
        for dim in (1, 2):
            assert (vectors * vectors.roll(shift, dim)).mean().abs() < 0.02
    power = torch.fft.fft2(vectors).abs().square().mean(dim=0)[1:, 1:]
    assert power.max() < 6 * power.mean()  # no stripes: the mean of 8 exponential numbers is above 4 times once in 10^9


def test_textures_of_two_seeds_are_unlike_and_the_same_seed_repeats():
    torch.manual_seed(0)
    noise = torch.randn(2, 64)
    one, other = texture(noise)
    assert texture(noise).equal(torch.stack([one, other]))
    assert torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].abs() < 0.05
    assert texture(noise, number=1)[0].flatten().dot(one.flatten()).abs() < 0.05 * one.square().sum()


def test_nothing_is_the_same_in_all_pictures():
    torch.manual_seed(0)
    noise = torch.randn(2000, 8)
    found = texture(noise, 8, 16)
    assert found.square().mean().item() == pytest.approx(1, abs=0.02)
    assert found.mean(dim=0).square().mean() < 2 / 2000
    for number in noise.T:  # nor if it is multiplied by what the generator knows
        assert (number.view(-1, 1, 1) * found).mean(dim=0).square().mean() < 3 / 2000


def test_continuous_in_the_noise():
    noise = torch.randn(1, 8)
    change = texture(noise + 1e-3) - texture(noise)
    assert 0 < change.abs().max() < 0.05


def test_noise_of_pixels_and_of_segments_is_that_of_the_picture_where_it_is_constant():
    noise = torch.randn(1, 8)
    expected = texture(noise, 8, 16)
    torch.testing.assert_close(texture(noise[:, :, None, None].expand(-1, -1, 16, 32), 8, 16), expected)
    rows = SegmentRows(torch.stack([noise[0], torch.randn(8)])[None], torch.zeros(1, 16, 32, dtype=torch.int64))
    rows.number[:, 8:] = 1
    found = layer()(torch.zeros(1, 3, 8, 16), rows).detach()[:, 0]
    torch.testing.assert_close(found[:, :4], expected[:, :4])
    assert not torch.allclose(found[:, 4:], expected[:, 4:])


@pytest.mark.parametrize(
    "made",
    [OASISGenerator, TransformerGenerator, SegmentTokenGenerator, INADEGenerator],
    ids=lambda made: made.__name__,
)
def test_a_generator_starts_without_and_sees_the_gradient(made):
    classes = {} if made in (OASISGenerator, TransformerGenerator) else {"num_classes": 5}
    networks = []
    for wanted in (False, True):
        torch.manual_seed(0)
        networks.append(made(5, **classes, noise_dim=4, channels=4, num_blocks=3, init_gain=1.0, texture_noise=wanted))
    plain, textured = networks
    condition = torch.zeros(1, 5, 16, 32)
    condition[:, 1] = 1
    noise, segments = torch.randn(1, *plain.noise_shape), torch.ones(1, 16, 32, dtype=torch.int64)
    picture = textured.eval()(condition, noise, segments)
    torch.testing.assert_close(picture, plain.eval()(condition, noise, segments))
    picture.square().sum().backward()
    assert all(each.strength.grad.abs().sum() > 0 for each in textured.textures)
    assert textured.state_dict().keys() - plain.state_dict().keys() == {
        f"textures.{position}.strength" for position in range(len(textured.blocks))
    }


@pytest.mark.parametrize("made", [OASISGenerator, TransformerGenerator])
def test_no_texture_without_noise(made):
    with pytest.raises(ConfigurationError, match=r"texture_noise=true with generator\.noise_dim=0"):
        made(5, noise_dim=0, texture_noise=True)
