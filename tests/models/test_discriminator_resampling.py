"""Convolutions merged with halving and doubling, against the two one after the other."""

import pytest
import torch
import torch.nn.functional as F

from oasis.models import OASISDiscriminator, PanopticDiscriminator
from oasis.models.resampling import FLIPPED_SUM, SUM, boxed, convolve_and_halve, double_and_convolve


def inputs(height, width, bias):
    torch.manual_seed(height * width)
    x = torch.randn(2, 3, height, width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    return x, weight, torch.randn(5, dtype=torch.float64) if bias else None


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(2, 2), (4, 6), (8, 2)])
def test_convolve_and_halve(height, width, bias):
    x, weight, b = inputs(height, width, bias)
    plain, merged = F.avg_pool2d(F.conv2d(x, weight, b, padding=1), 2), convolve_and_halve(x, weight, b)
    assert_same_values_and_gradients(plain, merged, x, weight)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 3), (3, 2), (4, 4)])
def test_double_and_convolve(height, width, bias):
    x, weight, b = inputs(height, width, bias)
    doubled = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_same_values_and_gradients(
        F.conv2d(doubled, weight, b, padding=1), double_and_convolve(x, weight, b), x, weight
    )


def assert_same_values_and_gradients(plain, merged, *parameters):
    torch.testing.assert_close(merged, plain)
    weights = torch.randn_like(plain)
    expected = torch.autograd.grad((plain * weights).sum(), parameters)
    for ours, theirs in zip(torch.autograd.grad((merged * weights).sum(), parameters), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_boxed_is_the_kernel_smeared_by_a_pixel():
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, 1, 2] = 1
    assert boxed(weight, SUM)[0, 0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]
    assert boxed(weight, FLIPPED_SUM)[0, 0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("network", [OASISDiscriminator, PanopticDiscriminator])
def test_a_merged_discriminator_is_the_plain_one(network):
    built = []
    for merge in (False, True):
        torch.manual_seed(0)
        built.append(network(5, channels=8, num_blocks=4, init_gain=1.0, merge_resampling=merge).double())
    plain, merged = built
    assert plain.state_dict().keys() == merged.state_dict().keys()
    image = torch.randn(2, 3, 32, 48, dtype=torch.float64, requires_grad=True)
    said = [each(image) for each in built]  # in training mode
    for ours, theirs in zip(said[1], said[0], strict=True):
        torch.testing.assert_close(ours, theirs)
    gradients = []
    for output, each in zip(said, built, strict=True):
        loss = output.logits.square().sum() + sum(head.square().sum() for head in output.heads.values())
        gradients.append(torch.autograd.grad(loss, [image, *each.parameters()]))
    for ours, theirs in zip(gradients[1], gradients[0], strict=True):
        torch.testing.assert_close(ours, theirs)


def test_judgements_of_several_batches_at_once():
    discriminator = PanopticDiscriminator(5, channels=4, num_blocks=2).eval()
    pictures = list(torch.randn(3, 2, 3, 8, 8))
    together = discriminator(torch.cat(pictures)).chunk(3)
    for one, picture in zip(together, pictures, strict=True):
        alone = discriminator(picture)
        torch.testing.assert_close(one.logits, alone.logits)
        assert one.heads.keys() == alone.heads.keys()
        for name, said in alone.heads.items():
            torch.testing.assert_close(one.heads[name], said)
