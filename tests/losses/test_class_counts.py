"""Class weights from the label map, and from the encoded one."""

import numpy as np
import pytest
import torch
import torch.distributed as dist

from oasis.encodings import InstanceIds, Semantic
from oasis.labels import LabelSpace
from oasis.losses import EncodedMapCounts, LabelCounts, NPlusOneLoss
from oasis.losses.adversarial import class_weights

SPACE = LabelSpace.cityscapes_ids()
VOID, ROAD, CAR, PERSON = 0, 7, 26, 24
# Two pictures: cars 1 to 3 and a group of cars, one person, road and void; then a car and a person alone.
LABEL = torch.tensor(
    [[[CAR, CAR, CAR, CAR], [CAR, PERSON, ROAD, VOID]], [[CAR, CAR, PERSON, PERSON], [ROAD, ROAD, ROAD, VOID]]]
)
INSTANCE = torch.tensor([[[1, 2, 2, 4], [0, 3, 0, 0]], [[2, 2, 1, 1], [0, 0, 0, 0]]])
SUMS = {VOID: 2, ROAD: 4, CAR: 1 + 2 + 2 + 3 + 1 + 1 + 1, PERSON: 1 + 1 + 1}  # the raw 4 is the third car


def slow_weights(label, encoded, ignored):
    """The official balancing, written out: (B, H, W) and (B, C, H, W) to (B, H, W)."""
    occurrence = {c: sum(encoded[b, c].sum() for b in range(len(label))) for c in range(encoded.shape[1])}
    present = [c for c in occurrence if c != ignored and occurrence[c] > 0]
    weights = np.zeros(label.shape)
    for place in np.ndindex(*label.shape):
        if label[place] in present:
            weights[place] = label.size / (len(present) * occurrence[label[place]])
    return weights


def encoded_with(encoding):
    return encoding(LABEL, INSTANCE)


def logits():
    return torch.randn(2, SPACE.num_classes + 1, 2, 4, generator=torch.Generator().manual_seed(0))


def test_the_encoded_map_counts_the_third_car_three_times():
    counts = EncodedMapCounts()(LABEL, encoded_with(InstanceIds(SPACE)), SPACE.num_classes)
    assert counts.dtype == torch.float32
    assert {index: int(count) for index, count in enumerate(counts) if count} == SUMS
    pixels = LabelCounts()(LABEL, encoded_with(InstanceIds(SPACE)), SPACE.num_classes)
    assert {index: int(count) for index, count in enumerate(pixels) if count} == {VOID: 2, ROAD: 4, CAR: 7, PERSON: 3}


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("ignored", [VOID, None])
def test_weights_are_those_of_the_official_formula(normalized, ignored):
    encoded = encoded_with(InstanceIds(SPACE, normalized))
    counts = EncodedMapCounts()(LABEL, encoded, SPACE.num_classes)
    weights = NPlusOneLoss(SPACE.num_classes, ignored).weights(LABEL, counts)
    np.testing.assert_allclose(weights, slow_weights(LABEL.numpy(), encoded.numpy(), ignored), rtol=1e-6)


def test_things_weigh_less_by_their_mean_number():
    loss, encoded = NPlusOneLoss(SPACE.num_classes, VOID), encoded_with(InstanceIds(SPACE))
    ours = loss.weights(LABEL)
    theirs = loss.weights(LABEL, EncodedMapCounts()(LABEL, encoded, SPACE.num_classes))
    number = encoded.sum(dim=1)
    for index in (CAR, PERSON, ROAD):
        of_class = index == LABEL
        torch.testing.assert_close(theirs[of_class] * number[of_class].mean(), ours[of_class])


def test_one_pixel_of_a_small_value_keeps_its_weight():
    """Normalised numbers may sum to less than 1."""
    weights = class_weights(torch.tensor([[[0, 1, 1, 1]]]), 2, None, torch.tensor([0.25, 3.0]), torch.tensor(4.0))
    torch.testing.assert_close(weights, torch.tensor([[[8.0, 2 / 3, 2 / 3, 2 / 3]]]))


def test_with_one_hot_classes_both_losses_have_the_same_bits():
    loss = NPlusOneLoss(SPACE.num_classes, VOID)
    condition = encoded_with(Semantic(SPACE))
    first, second = (
        loss.real(logits(), LABEL, counts(LABEL, condition, SPACE.num_classes))
        for counts in (LabelCounts(), EncodedMapCounts())
    )
    assert first.equal(second)
    assert first.equal(loss.real(logits(), LABEL))


def test_two_processes_together_have_the_loss_of_one(monkeypatch):
    condition = encoded_with(InstanceIds(SPACE))
    loss, counts = NPlusOneLoss(SPACE.num_classes, VOID), EncodedMapCounts()
    whole = loss.real(logits(), LABEL, counts(LABEL, condition, SPACE.num_classes))
    everywhere = torch.cat([counts(LABEL, condition, SPACE.num_classes), torch.tensor([float(LABEL.numel())])])
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "all_reduce", lambda own: own.copy_(everywhere))
    parts = [
        loss.real(logits()[[i]], LABEL[[i]], counts(LABEL[[i]], condition[[i]], SPACE.num_classes)) for i in range(2)
    ]
    torch.testing.assert_close(sum(parts) / 2, whole)
