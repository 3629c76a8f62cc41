import pytest
import torch

from oasis.losses import (
    feature_matching_loss,
    hinge_fake_loss,
    hinge_generator_loss,
    hinge_real_loss,
    least_squares_loss,
    style_divergence,
)


def scores():
    random = torch.Generator().manual_seed(0)
    return [3 * torch.randn(2, 1, size, size + 1, generator=random) for size in (4, 2)]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("loss", "of_a_score"),
    [
        (hinge_generator_loss, lambda s: -s),
        (hinge_fake_loss, lambda s: max(0.0, 1 + s)),
        (hinge_real_loss, lambda s: max(0.0, 1 - s)),
    ],
)
def test_hinge_losses_by_a_loop(loss, of_a_score):
    each = scores()
    expected = mean(mean(of_a_score(s) for s in scale.flatten().tolist()) for scale in each)
    assert loss(each).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_least_squares_by_a_loop(target):
    each = scores()
    expected = sum(mean((s - target) ** 2 for s in scale.flatten().tolist()) for scale in each)
    assert least_squares_loss(each, target).item() == pytest.approx(expected, rel=1e-5)


def features(seed):
    random = torch.Generator().manual_seed(seed)
    return [[torch.randn(2, c, s, s, generator=random) for c, s in ((2, 6), (4, 3))] for _ in range(3)]


def test_feature_matching_by_a_loop_and_its_gradient():
    fake, real = features(0), features(1)
    for scale in (*fake, *real):
        for each in scale:
            each.requires_grad_()
    loss = feature_matching_loss(fake, real)
    expected = sum(
        (a - b).abs().mean() for one, two in zip(fake, real, strict=True) for a, b in zip(one, two, strict=True)
    )
    torch.testing.assert_close(loss, expected / 3)
    loss.backward()
    assert all(each.grad.abs().sum() > 0 for scale in fake for each in scale)
    assert all(each.grad is None for scale in real for each in scale)
    assert feature_matching_loss(real, real) == 0


def test_style_divergence_against_torch():
    mean, log_variance = torch.randn(3, 5), torch.randn(3, 5)
    own = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    expected = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0)).sum()
    torch.testing.assert_close(style_divergence(mean, log_variance), expected)
    assert style_divergence(torch.zeros(2, 4), torch.zeros(2, 4)) == 0


def test_losses_are_in_float32():
    half = [each.bfloat16() for each in scores()]
    for loss in (hinge_generator_loss(half), hinge_fake_loss(half), hinge_real_loss(half), least_squares_loss(half, 1)):
        assert loss.dtype == torch.float32
    assert feature_matching_loss([half], [half]).dtype == torch.float32
    assert style_divergence(half[0], half[0]).dtype == torch.float32
