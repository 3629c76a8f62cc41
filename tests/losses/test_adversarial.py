import math

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.errors import ConfigurationError
from oasis.losses import NPlusOneLoss
from oasis.losses.adversarial import class_weights, fake_loss, real_loss


def slow_class_weights(label, num_classes, ignore_index):
    present = [c for c in range(num_classes) if c != ignore_index and (label == c).any()]
    weights = np.zeros(label.shape)
    for c in present:
        weights[label == c] = label.size / (len(present) * (label == c).sum())
    return weights


def slow_cross_entropy(logits, target):
    """One pixel after the other: (B, C, H, W) and (B, H, W) to (B, H, W)."""
    loss = np.zeros(target.shape)
    for b, y, x in np.ndindex(*target.shape):
        scores = [float(v) for v in logits[b, :, y, x]]
        loss[b, y, x] = math.log(sum(math.exp(v) for v in scores)) - scores[target[b, y, x]]
    return loss


def random_batch(seed=0, num_classes=5, size=(2, 6, 7)):
    draw = torch.Generator().manual_seed(seed)
    label = torch.randint(0, num_classes, size, generator=draw)
    logits = torch.randn(size[0], num_classes + 1, *size[1:], generator=draw) * 3
    return logits, label


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    num_classes=st.integers(1, 8),
    ignored=st.one_of(st.none(), st.integers(0, 7)),
    size=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
)
def test_class_weights_are_those_of_the_formula(seed, num_classes, ignored, size):
    ignored = None if ignored is None else ignored % num_classes
    _, label = random_batch(seed, num_classes, size)
    weights = class_weights(label, num_classes, ignored)
    assert weights.dtype == torch.float32
    np.testing.assert_allclose(weights.numpy(), slow_class_weights(label.numpy(), num_classes, ignored), rtol=1e-6)


def test_balanced_classes_have_the_same_say():
    _, label = random_batch()
    weights = class_weights(label, 5, ignore_index=0)
    shares = [weights[label == c].sum().item() for c in range(1, 5)]
    assert shares == pytest.approx([label.numel() / 4] * 4)
    assert weights[label == 0].eq(0).all()


def test_real_loss_is_cross_entropy_to_the_class_plus_one():
    logits, label = random_batch()
    expected = slow_cross_entropy(logits.numpy(), label.numpy() + 1)
    assert real_loss(logits, label).item() == pytest.approx(expected.mean(), rel=1e-5)
    weights = slow_class_weights(label.numpy(), 5, 0)
    balanced = NPlusOneLoss(5, ignore_index=0).real(logits, label)
    assert balanced.item() == pytest.approx((expected * weights).mean(), rel=1e-5)


def test_fake_loss_is_cross_entropy_to_zero():
    logits, label = random_batch()
    expected = slow_cross_entropy(logits.numpy(), np.zeros_like(label.numpy())).mean()
    assert fake_loss(logits).item() == pytest.approx(expected, rel=1e-5)


def test_a_sure_discriminator_pays_nothing():
    _, label = random_batch()
    sure = 50 * torch.nn.functional.one_hot(label + 1, 6).permute(0, 3, 1, 2).float()
    loss = NPlusOneLoss(5, ignore_index=None)
    assert loss.real(sure, label).item() == pytest.approx(0, abs=1e-6)
    assert loss.fake(sure).item() == pytest.approx(50, rel=1e-4)


def test_only_ignored_pixels():
    logits, label = random_batch()
    logits.requires_grad_()
    loss = NPlusOneLoss(5, ignore_index=2).real(logits, torch.full_like(label, 2))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.eq(0).all()


def test_no_gradient_from_ignored_pixels():
    logits, label = random_batch()
    logits.requires_grad_()
    NPlusOneLoss(5, ignore_index=2).real(logits, label).backward()
    moved = logits.grad.abs().sum(dim=1) > 0
    assert moved.equal(label != 2)


def test_bfloat16_logits_give_a_float32_loss():
    logits, label = random_batch()
    loss = NPlusOneLoss(5, ignore_index=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = torch.nn.functional.conv2d(logits, torch.eye(6)[:, :, None, None])
        assert low.dtype == torch.bfloat16
        real, fake = loss.real(low, label), loss.fake(low)
    assert real.dtype == fake.dtype == torch.float32
    assert real.item() == pytest.approx(loss.real(logits, label).item(), rel=0.02)
    assert fake.item() == pytest.approx(loss.fake(logits).item(), rel=0.02)


@pytest.mark.parametrize("ignore_index", [-1, 5, 255])
def test_ignored_class_must_be_one_of_the_classes(ignore_index):
    with pytest.raises(ConfigurationError, match=f"ignore_index={ignore_index} is none of the 5 classes"):
        NPlusOneLoss(5, ignore_index)


def test_two_processes_together_have_the_loss_of_one(monkeypatch):
    logits, label = random_batch()
    loss = NPlusOneLoss(5, ignore_index=0)
    whole = loss.real(logits, label)
    everywhere = torch.cat([label.reshape(-1).bincount(minlength=5), torch.tensor([label.numel()])])
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "all_reduce", lambda counts: counts.copy_(everywhere))
    parts = [loss.real(logits[i : i + 1], label[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(sum(parts) / 2, whole)
