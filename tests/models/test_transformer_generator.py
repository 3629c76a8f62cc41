"""The generator that is a transformer at its coarse scales."""

import copy
import math

import pytest
import torch
from torch import nn

from oasis.errors import ConfigurationError
from oasis.models import TransformerGenerator
from oasis.models.modulated_transformer import ModulatedBlock
from oasis.training.recomputation import recompute_blocks

CLASSES, NOISE = 3, 2


def tiny(num_blocks=4, noise_dim=NOISE, **options):
    torch.manual_seed(0)
    return TransformerGenerator(
        CLASSES, noise_dim, 2, num_blocks, spade_channels=4, transformer_heads=2, init_gain=1.0, **options
    ).double()


def label_map(height=16, width=32, size=2):
    label = torch.zeros(size, height, width, dtype=torch.int64)
    label[:, height // 2 :] = 1
    label[0, 3:12, 5:20] = 2
    return nn.functional.one_hot(label, CLASSES).permute(0, 3, 1, 2).double()


def noise_of(size=2):
    return torch.randn(size, NOISE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_a_block_is_that_of_the_formula():
    torch.manual_seed(0)
    block = ModulatedBlock(4, 2, CLASSES, 5).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    x, condition = torch.randn(1, 6, 4).double(), torch.randn(1, CLASSES, 2, 3).double()
    modulation = block.modulation(block.shared(condition).relu())[0]

    def modulated(tokens, first):
        rows = []
        for index, token in enumerate(tokens):
            gamma, beta = (modulation[start : start + 4, index // 3, index % 3] for start in (first, first + 4))
            normal = (token - token.mean()) / (token.var(correction=0) + 1e-5).sqrt()
            rows.append(normal * (1 + gamma) + beta)
        return torch.stack(rows)

    seen = modulated(x[0], 0)
    query, key, value = block.attention.project(seen).chunk(3, dim=1)
    mixed = torch.zeros(6, 4).double()
    for token in range(6):
        for head in (slice(0, 2), slice(2, 4)):
            scores = torch.stack([query[token, head] @ key[index, head] / math.sqrt(2) for index in range(6)])
            weights = scores.exp() / scores.exp().sum()
            mixed[token, head] = sum(weight * value[index, head] for index, weight in enumerate(weights))
    middle = x[0] + block.attention.out(mixed)
    wide, narrow = block.feed_forward[0], block.feed_forward[2]
    hidden = wide(modulated(middle, 8))
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    torch.testing.assert_close(block(x, condition)[0], middle + narrow(hidden))


@pytest.mark.parametrize("num_blocks", [2, 3, 4])
def test_any_size_with_the_same_weights(num_blocks):
    generator = tiny(num_blocks).eval()
    assert generator.size_divisor == 2 ** (num_blocks - 1)
    assert len(generator.stem.scales) == min(2, num_blocks - 1)
    for height, width in ((8, 8), (16, 32), (24, 40)):
        assert generator(label_map(height, width), noise_of()).shape == (2, 3, height, width)
    with pytest.raises(ConfigurationError, match="must be multiples of"):
        generator(label_map(9, 16), noise_of())


def test_attention_reaches_the_entire_picture():
    """In a wide picture, two residual blocks of convolutions at the coarsest scales would not reach the other end."""
    generator = tiny().eval()
    condition = label_map(8, 512, 1)
    changed = condition.clone()
    changed[:, :, :, :8] = changed[:, :, :, :8].roll(1, 1)
    before, after = (generator(each, noise_of(1)) for each in (condition, changed))
    assert (before != after)[..., -1].any()


def test_a_picture_does_not_depend_on_the_others():
    generator = tiny().eval()
    condition, noise = label_map(), noise_of()
    together = generator(condition, noise)
    for image in range(2):
        one = slice(image, image + 1)
        torch.testing.assert_close(together[one], generator(condition[one], noise[one]), rtol=0, atol=1e-10)
    assert together.std() > 0.02


def test_noise_vector_is_the_same_as_its_map():
    generator = tiny().eval()
    as_map = noise_of()[:, :, None, None].expand(-1, -1, 16, 32)
    found = generator(label_map(), as_map)
    torch.testing.assert_close(found, generator(label_map(), noise_of()), rtol=0, atol=1e-10)
    assert not torch.allclose(found, generator(label_map(), 2 * as_map))
    assert tiny(noise_dim=0).eval()(label_map()).shape == found.shape


def gradients(generator, noise):
    picture = generator(label_map(), noise)
    (picture * torch.linspace(-1, 1, picture.numel()).view_as(picture)).sum().backward()
    found = {name: parameter.grad for name, parameter in generator.named_parameters()}
    return {**found, "picture": picture.detach(), **dict(generator.named_buffers())}


@pytest.mark.parametrize("other", ["dense", "sparse", "recomputed"])
def test_the_same_on_all_paths_with_gradients_everywhere(other):
    expected = gradients(tiny(fast=False), noise_of())
    generator = tiny(sparse=other == "sparse")
    if other == "recomputed":
        blocks = list(generator.blocks_to_recompute())
        assert len(blocks) == 2 + 2 * 2
        recompute_blocks(blocks)
    found = gradients(generator, noise_of())
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert value is not None, name
        torch.testing.assert_close(found[name], value, rtol=1e-8, atol=1e-9, msg=name)


def test_in_bfloat16_it_is_near():
    generator = tiny().float()
    condition, noise = label_map().float(), noise_of().float()
    exact = copy.deepcopy(generator)(condition, noise)
    with torch.autocast("cpu", torch.bfloat16):
        found = generator(condition, noise)
        found.float().square().mean().backward()
    assert 0 < (found.float() - exact).abs().mean() < 0.05
    assert all(parameter.grad.isfinite().all() for parameter in generator.parameters())


def test_what_does_not_fit():
    with pytest.raises(ConfigurationError, match=r"noise of shape \(2, 5\); it must be \(2, 2\), one vector an image"):
        tiny()(label_map(), torch.zeros(2, 5))
    with pytest.raises(ConfigurationError, match="without noise"):
        tiny(noise_dim=0)(label_map(), noise_of())
    with pytest.raises(ConfigurationError, match=r"transformer_dim=6.*multiple of 4"):
        tiny(transformer_dim=6)
    with pytest.raises(ConfigurationError, match=r"transformer_dim=4, generator\.transformer_heads=3"):
        TransformerGenerator(CLASSES, transformer_dim=4, transformer_heads=3)
    with pytest.raises(ConfigurationError, match="transformer_depth=0"):
        tiny(transformer_depth=0)
    with pytest.raises(ConfigurationError, match="num_blocks=1: the generator needs at least 2"):
        tiny(num_blocks=1)


def test_published_width():
    """Counted by hand."""

    def linear(inputs, outputs):
        return inputs * outputs + outputs

    def convolution(inputs, outputs):
        return 9 * inputs * outputs + outputs

    seen, dim = 64 + 35, 512
    modulation = convolution(seen, 128) + linear(128, 4 * dim)
    block = modulation + linear(dim, 3 * dim) + linear(dim, dim) + linear(dim, 4 * dim) + linear(4 * dim, dim)
    coarse = convolution(seen, dim) + 4 * block + 2 * dim + linear(dim, 1024)
    with torch.device("meta"):
        generator = TransformerGenerator(35)
    assert sum(each.numel() for each in generator.stem.parameters()) == coarse
    spade = {width: convolution(seen, 128) + 2 * convolution(128, width) for width in (1024, 512, 256, 128, 64)}
    fine = convolution(64, 3)
    for inputs, outputs in ((1024, 512), (512, 256), (256, 128), (128, 64)):
        fine += 2 * spade[inputs] + spade[outputs] + convolution(inputs, outputs) + convolution(outputs, outputs)
        fine += inputs * outputs
    assert sum(each.numel() for each in generator.parameters()) == coarse + fine == 37_637_059
