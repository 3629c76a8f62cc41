import math

import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils.parametrize import is_parametrized

from oasis.errors import ConfigurationError
from oasis.models import PatchDiscriminator
from oasis.models.resampling import halve


def convolutions(network):
    return [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_a_scale_by_functions(spectral_norm):
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(4, channels=2, num_layers=4, num_scales=3, spectral_norm=spectral_norm).eval()
    image, condition = torch.rand(2, 3, 48, 64), torch.rand(2, 4, 48, 64)
    output = discriminator(image, condition)
    assert len(output.scores) == len(output.features) == 3
    layers = convolutions(discriminator)
    x = torch.cat([condition, image], dim=1)
    for scale in range(3):
        y = x
        first, *middle, last = layers[5 * scale : 5 * scale + 5]
        y = F.leaky_relu(F.conv2d(y, first.weight, first.bias, stride=2, padding=2), 0.2)
        torch.testing.assert_close(output.features[scale][0], y)
        for position, layer in enumerate(middle, start=1):
            y = F.conv2d(y, layer.weight, layer.bias, stride=2 if position < 3 else 1, padding=2)
            variance, mean = torch.var_mean(y, dim=(2, 3), correction=0, keepdim=True)
            y = F.leaky_relu((y - mean) / (variance + 1e-5).sqrt(), 0.2)
            torch.testing.assert_close(output.features[scale][position], y, rtol=1e-4, atol=1e-5)
        assert [each.shape[1] for each in output.features[scale]] == [2, 4, 8, 16]
        score = F.conv2d(y, last.weight, last.bias, padding=2)
        torch.testing.assert_close(output.scores[scale], score, rtol=1e-4, atol=1e-6)
        x = halve(x)


def test_halving_by_a_loop():
    x = torch.rand(1, 1, 5, 6)
    found = halve(x)
    assert found.shape == (1, 1, 3, 3)
    for row in range(3):
        for column in range(3):
            rows = slice(max(0, 2 * row - 1), 2 * row + 2)
            columns = slice(max(0, 2 * column - 1), 2 * column + 2)
            torch.testing.assert_close(found[0, 0, row, column], x[0, 0, rows, columns].mean())


def test_what_bears_a_spectral_norm_and_the_initialisation():
    torch.manual_seed(0)
    spade, pix2pixhd = (PatchDiscriminator(61, spectral_norm=each) for each in (True, False))
    assert [is_parametrized(layer) for layer in convolutions(spade)] == [False, True, True, True, False] * 2
    assert [layer.bias is not None for layer in convolutions(spade)] == [True, False, False, False, True] * 2
    assert not any(is_parametrized(layer) for layer in convolutions(pix2pixhd))
    xavier = 0.02 * math.sqrt(2 / ((64 + 64) * 16))
    assert convolutions(spade)[0].weight.std().item() == pytest.approx(xavier, rel=0.02)
    for layer in convolutions(pix2pixhd):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert layer.bias.eq(0).all()


def test_both_the_picture_and_the_map_count():
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(4, channels=4)
    image, condition = torch.rand(1, 3, 64, 64, requires_grad=True), torch.rand(1, 4, 64, 64, requires_grad=True)
    sum(scores.square().sum() for scores in discriminator(image, condition).scores).backward()
    assert image.grad.abs().sum() > 0
    assert condition.grad.abs().sum() > 0


def test_parts_of_a_joint_batch():
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(4, channels=2).eval()
    image, condition = torch.rand(4, 3, 32, 64), torch.rand(4, 4, 32, 64)
    both = discriminator(image, condition).chunk(2)
    assert len(both) == 2
    for part, half in zip(both, (slice(0, 2), slice(2, 4)), strict=True):
        alone = discriminator(image[half], condition[half])
        for scale in range(2):
            torch.testing.assert_close(part.scores[scale], alone.scores[scale])
            for one, other in zip(part.features[scale], alone.features[scale], strict=True):
                torch.testing.assert_close(one, other)


def test_what_does_not_fit():
    with pytest.raises(ConfigurationError, match=r"the condition has 5 channels.*built for 4"):
        PatchDiscriminator(4, channels=2)(torch.zeros(1, 3, 32, 32), torch.zeros(1, 5, 32, 32))
    with pytest.raises(ConfigurationError, match=r"num_layers=1, num_scales=2"):
        PatchDiscriminator(4, num_layers=1)
    with pytest.raises(ConfigurationError, match=r"num_scales=0"):
        PatchDiscriminator(4, num_scales=0)
