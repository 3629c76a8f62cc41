import pytest

from oasis.losses import NPlusOneLoss, label_mix, label_mix_loss
from oasis.losses.adversarial import real_loss


def test_real_loss(inputs, stored):
    balanced = NPlusOneLoss(35, ignore_index=0).real(inputs.logits, inputs.label)
    assert balanced.item() == pytest.approx(stored["loss_real_balanced"].item(), abs=1e-5)


def test_real_loss_without_balance_weighs_the_ignored_class_too(inputs, stored):
    expected = pytest.approx(stored["loss_real_unbalanced"].item(), abs=1e-5)
    assert NPlusOneLoss(35, ignore_index=0, balance=False).real(inputs.logits, inputs.label).item() == expected
    assert real_loss(inputs.logits, inputs.label).item() == expected


def test_fake_loss(inputs, stored):
    fake = NPlusOneLoss(35, ignore_index=0).fake(inputs.logits)
    assert fake.item() == pytest.approx(stored["loss_fake"].item(), abs=1e-5)


def test_class_weight_map(inputs, deviation):
    assert deviation("class_weight_map", NPlusOneLoss(35, ignore_index=0).weights(inputs.label)) < 1e-6


def test_label_mix_loss(inputs, stored, deviation):
    mask = (inputs.label % 2).unsqueeze(1).float()
    assert deviation("mix_mask", mask) == 0
    loss = label_mix_loss(inputs.logits_mixed, inputs.logits, inputs.logits_fake, mask)
    assert loss.item() == pytest.approx(stored["loss_label_mix"].item(), abs=1e-5)
    by_arithmetic = mask * inputs.logits + (1 - mask) * inputs.logits_fake
    assert label_mix(inputs.logits, inputs.logits_fake, mask).equal(by_arithmetic)
