import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import VisionTransformer

from oasis.errors import ConfigurationError
from oasis.models import TransformerDiscriminator
from oasis.models.attention import SelfAttention, TransformerBlock, grid_positions
from oasis.models.spectral_norm import iterate_norms

SMALL = {"channels": 8, "num_blocks": 2}


def built(seed=0, **settings):
    torch.manual_seed(seed)
    return TransformerDiscriminator(5, **{**SMALL, "init_gain": 1.0, **settings})


def picture(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 80), (112, 48)])
def test_logits_for_every_pixel_of_any_size(height, width):
    logits, heads = built()(picture(2, 3, height, width))
    assert logits.shape == (2, 6, height, width)
    assert heads == {}


@pytest.mark.parametrize("patch_size", [4, 8, 16, 32])
def test_any_patch_size(patch_size):
    discriminator = built(patch_size=patch_size, num_blocks=3)
    assert discriminator.size_divisor == patch_size
    assert discriminator(picture(1, 3, patch_size, 2 * patch_size)).logits.shape == (1, 6, patch_size, 2 * patch_size)
    assert discriminator.depths[-1] == len(discriminator.layers) == 6  # nothing is computed for nobody
    assert sorted(set(discriminator.depths)) == discriminator.depths


def test_sizes_that_do_not_fit():
    with pytest.raises(ConfigurationError, match=r"TransformerDiscriminator.*24x32.*multiples of 16"):
        built()(torch.zeros(1, 3, 24, 32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 6}, r"channels=6: .*multiple of 4"),
        ({"channels": 0}, r"channels=0: .*multiple of 4"),
        ({"num_blocks": 1}, r"num_blocks=1: .*at least 2 blocks"),
        ({"patch_size": 32, "num_blocks": 2}, r"num_blocks=2: .*at least 3 blocks with patch_size=32"),
        ({"patch_size": 12}, r"patch_size=12: .*power of two"),
        ({"patch_size": 2}, r"patch_size=2: .*at least 4"),
        ({"attention_heads": 5}, r"attention_heads=5: must divide .* 24"),
        ({"attention_heads": 0}, r"attention_heads=0"),
        ({"boundary": True}, r"boundary=true: .*instance_heads=true"),
        ({"init_gain": 0}, r"init_gain=0.*above 0"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        built(**settings)


def test_the_published_encoder():
    """The ViT-S of torchvision's class, without class token, position table and classifier."""
    with torch.device("meta"):
        ours = TransformerDiscriminator(35)
        vit = VisionTransformer(224, 16, num_layers=12, num_heads=6, hidden_dim=384, mlp_dim=1536)
    removed = [*vit.heads.parameters(), vit.class_token, vit.encoder.pos_embedding]
    expected = sum(p.numel() for p in vit.parameters()) - sum(p.numel() for p in removed)
    encoder = [ours.embedding, ours.layers, ours.norms[-1]]
    assert sum(p.numel() for part in encoder for p in part.parameters()) == expected == 21_589_632
    assert sum(p.numel() for p in ours.parameters()) == 24_996_580
    assert ours.depths == [3, 6, 9, 12]
    assert ours.layers[0].attention.heads == 6


def test_positions_are_sines_and_cosines_of_rows_and_columns():
    positions = grid_positions(3, 5, 8)
    assert positions.shape == (1, 15, 8)
    for row in range(3):
        for column in range(5):
            angles = [row, row / 100, column, column / 100]
            expected = [f(a) for pair in (angles[:2], angles[2:]) for f in (math.sin, math.cos) for a in pair]
            torch.testing.assert_close(positions[0, row * 5 + column], torch.tensor(expected))


def test_positions_are_those_of_a_smaller_picture():
    small = grid_positions(4, 6, 24).view(4, 6, 24)
    large = grid_positions(16, 32, 24).view(16, 32, 24)
    assert large[:4, :6].equal(small)
    assert len(large.flatten(0, 1).unique(dim=0)) == 16 * 32  # no two patches have the same


def test_attention_is_that_of_a_loop():
    torch.manual_seed(0)
    layer = SelfAttention(12, 3)
    nn.init.normal_(layer.project.weight)
    tokens = torch.randn(2, 5, 12)
    queries, keys, values = layer.project(tokens).detach().chunk(3, dim=-1)
    mixed = torch.zeros(2, 5, 12)
    for sample in range(2):
        for head in range(3):
            own = slice(4 * head, 4 * head + 4)
            for i in range(5):
                scores = [float(queries[sample, i, own] @ keys[sample, j, own]) / 2 for j in range(5)]
                total = sum(math.exp(score) for score in scores)
                for j, score in enumerate(scores):
                    mixed[sample, i, own] += math.exp(score) / total * values[sample, j, own]
    torch.testing.assert_close(layer(tokens), layer.out(mixed))


def test_a_layer_is_that_of_torch():
    torch.manual_seed(0)
    ours = TransformerBlock(12, 3)
    theirs = nn.TransformerEncoderLayer(12, 3, 48, dropout=0, activation=F.gelu, batch_first=True, norm_first=True)
    pairs = {
        "self_attn.in_proj_": ours.attention.project, "self_attn.out_proj.": ours.attention.out,
        "linear1.": ours.feed_forward[0], "linear2.": ours.feed_forward[2],
        "norm1.": ours.norm_0, "norm2.": ours.norm_1,
    }  # fmt: skip
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.3)
    state = {f"{name}{kind}": getattr(layer, kind) for name, layer in pairs.items() for kind in ("weight", "bias")}
    theirs.load_state_dict(state)
    tokens = torch.randn(2, 7, 12)
    torch.testing.assert_close(ours(tokens), theirs(tokens))


@pytest.mark.parametrize("settings", [{}, {"spectral_norm": False}, {"instance_heads": True, "boundary": True}])
def test_every_parameter_and_the_picture_get_a_gradient(settings):
    discriminator = built(**settings)
    image = picture(1, 3, 32, 48).requires_grad_()
    before = image.detach().clone()
    logits, heads = discriminator(image)
    sum(said.square().sum() for said in (logits, *heads.values())).backward()
    assert image.equal(before), "no activation may write into the picture"
    assert (image.grad != 0).flatten(2).any(dim=2).all()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_heads_are_those_of_the_panoptic_one():
    logits, heads = built(instance_heads=True, boundary=True)(picture(1, 3, 32, 32))
    assert {name: said.shape[1] for name, said in heads.items()} == {"center": 1, "offset": 2, "boundary": 1}
    assert "boundary" not in built(instance_heads=True)(picture(1, 3, 32, 32)).heads
    assert logits.equal(built()(picture(1, 3, 32, 32)).logits), "the heads are made last"
    assert all(0 < said.abs().max() < 0.1 for said in heads.values())  # of the published gain


def test_every_pixel_sees_the_whole_picture():
    image = picture(1, 3, 48, 96).requires_grad_()
    built().eval()(image).logits[..., 0, 0].sum().backward()
    assert image.grad[..., -16:, -16:].abs().sum() > 0


def test_every_weight_has_a_spectral_norm_of_one():
    discriminator = built()
    for _ in range(50):
        iterate_norms(discriminator)
    discriminator.eval()
    normed = [layer for layer in discriminator.modules() if hasattr(layer, "parametrizations")]
    plain = [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert set(plain) - set(normed) == {discriminator.head}
    assert sum(isinstance(layer, nn.Linear) for layer in normed) == 4 * 4
    for layer in normed:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        torch.testing.assert_close(largest, torch.tensor(1.0), rtol=0.05, atol=0)


def test_channels_last_changes_nothing():
    image = picture(2, 3, 32, 32)
    found = built().to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last)).logits
    torch.testing.assert_close(found, built()(image).logits)
