"""The arithmetic of `experiments/panoptic_encodings/dissection.py`, against slow and obvious ways."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from experiments.panoptic_encodings.dissection import (
    GROUPS,
    Variant,
    first_steps,
    gradient_norms,
    input_groups,
    layer_of,
    magnitudes,
    shuffle_instances,
    variance_shares,
)
from oasis.batch import Batch
from oasis.encodings import Boundary, InstanceIds, Semantic
from oasis.models import OASISDiscriminator, OASISGenerator

CAR, ROAD = 26, 7


@pytest.fixture
def batch():
    """Two pictures: three cars and one car on a road."""
    label = torch.full((2, 16, 32), ROAD)
    instance = torch.zeros_like(label)
    for picture, place, number in ((0, 0, 1), (0, 8, 2), (0, 20, 3), (1, 4, 1)):
        label[picture, 4:9, place : place + 6] = CAR
        instance[picture, 4:9, place : place + 6] = number
    image = torch.rand(2, 3, 16, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Batch(image, label, instance, label, torch.empty(0), ["a", "b"], torch.arange(2), torch.ones(2) > 0)


def networks(channels):
    torch.manual_seed(0)
    generator = OASISGenerator(channels, noise_dim=3, channels=2, num_blocks=2, spade_channels=4, norm="batch")
    return generator, OASISDiscriminator(35, channels=4, num_blocks=3)


@pytest.mark.parametrize("kind", [Semantic, InstanceIds, Boundary])
def test_the_groups_add_up_to_what_the_generator_takes_in(kind, ids, batch):
    encoding = kind(ids)
    noise = torch.randn(2, 3)
    groups = input_groups(Variant("x", encoding), batch, noise)
    whole = torch.cat([noise[:, :, None, None].expand(-1, -1, 16, 32), encoding(batch.label, batch.instance)], dim=1)
    assert tuple(groups) == GROUPS
    torch.testing.assert_close(sum(groups.values()), whole)
    assert torch.equal(groups["one-hot"][:, 3 : 3 + 35], F.one_hot(batch.label, 35).permute(0, 3, 1, 2).float())
    if kind is Semantic:
        assert not groups["instance part"].any()


def test_magnitudes_by_hand(ids, batch):
    """90 pixels of cars in 1024: 60 with nothing more (number 1), 30 with 1 more, 30 with 2 more."""
    groups = input_groups(Variant("x", InstanceIds(ids)), batch, torch.full((2, 3), 2.0))
    sizes = magnitudes(groups)
    assert sizes["noise"] == pytest.approx((12**0.5, 2))
    assert sizes["one-hot"] == pytest.approx((1, 1))
    assert sizes["instance part"] == pytest.approx((((30 * 1 + 30 * 4) / 1024) ** 0.5, 2))


def test_shares_of_variance_are_those_of_a_loop_over_pixels(ids, batch):
    groups = input_groups(Variant("x", InstanceIds(ids)), batch, torch.randn(2, 3))
    torch.manual_seed(1)
    convolution = nn.Conv2d(38, 2, 3, padding=1)
    shares = variance_shares(convolution, groups, (8, 16))
    kernel, outputs = convolution.weight.detach().double(), {}
    for name, value in groups.items():
        small = F.pad(value[:, :, ::2, ::2], (1, 1, 1, 1)).double()  # nearest: every second pixel
        pixels = [small[b, :, y : y + 3, x : x + 3] for b in range(2) for y in range(8) for x in range(16)]
        outputs[name] = torch.tensor([[(pixel * kernel[c]).sum() for pixel in pixels] for c in range(2)])
    whole = sum(outputs.values())
    variance = sum(whole[c].var(correction=0) for c in range(2))
    for name, one in outputs.items():
        covariance = sum(((one[c] - one[c].mean()) * (whole[c] - whole[c].mean())).mean() for c in range(2))
        assert shares[name] == pytest.approx((covariance / variance).item(), abs=1e-5)
    assert sum(shares.values()) == pytest.approx(1)


def test_shuffling_keeps_the_instances_and_changes_their_numbers():
    instance = torch.tensor([[[0, 1, 1, 2], [3, 3, 4, 5]], [[0, 0, 7, 7], [0, 2, 2, 2]]])
    shuffled = shuffle_instances(instance, torch.Generator().manual_seed(0))
    assert not torch.equal(shuffled, instance)
    for one, other in zip(instance, shuffled, strict=True):
        assert set(one.unique().tolist()) == set(other.unique().tolist())
        pairs = set(zip(one.flatten().tolist(), other.flatten().tolist(), strict=True))
        assert len(pairs) == len(one.unique())  # one to one
        assert all((a == 0) == (b == 0) for a, b in pairs)


def test_norms_of_gradients_are_those_of_all_entries_of_a_layer(ids, batch):
    generator, discriminator = networks(35)
    picture = generator(Semantic(ids)(batch.label, batch.instance), torch.zeros(2, 3))
    discriminator(picture).logits.square().mean().backward()
    norms = gradient_norms(generator)
    assert list(norms)[:1] == ["stem"]
    assert {"block 0 SPADE", "block 0 convolutions", "block 1 SPADE", "to image"} <= norms.keys()
    stem = torch.cat([p.grad.flatten() for p in generator.stem.parameters()])
    assert norms["stem"] == pytest.approx(stem.norm().item(), rel=1e-5)
    everything = torch.cat([p.grad.flatten() for p in generator.parameters() if p.grad is not None])
    assert sum(norm**2 for norm in norms.values()) == pytest.approx(everything.square().sum().item(), rel=1e-5)


def test_names_of_layers():
    assert [layer_of(name) for name in ("stem.weight", "blocks.3.spade_s.gamma.bias", "blocks.0.conv_1.weight")] == [
        "stem", "block 3 SPADE", "block 0 convolutions"
    ]  # fmt: skip


def test_a_warm_up_begins_with_the_classes_alone(ids, batch):
    """The first step of a warm-up is that of `semantic`; the last is not."""

    def steps(encoding, **how):
        return first_steps(Variant("x", encoding, **how), [batch, batch], *networks(35), ids)

    plain, warm, raw = steps(Semantic(ids)), steps(InstanceIds(ids), warm_up=True), steps(InstanceIds(ids))
    for layer, norms in warm.norms.items():
        assert norms[0] == pytest.approx(plain.norms[layer][0], rel=1e-4)
    assert warm.losses["generator"][0] == pytest.approx(plain.losses["generator"][0], rel=1e-5)
    assert warm.losses["generator"][1] != plain.losses["generator"][1]
    assert raw.losses["generator"][0] != plain.losses["generator"][0]
    assert all(len(values) == 2 for values in (*warm.losses.values(), *warm.norms.values()))


def test_training_trains(ids, batch):
    record = first_steps(Variant("x", Semantic(ids)), [batch] * 12, *networks(35), ids, learning_rate=1e-2)
    assert record.losses["photos"][-1] < record.losses["photos"][0]
