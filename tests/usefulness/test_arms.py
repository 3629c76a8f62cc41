"""The arms differ in nothing but their pictures."""

from collections import Counter

import numpy as np
import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.usefulness.arms import BATCH, ArmData, Fakes, for_segmenters, passes_of, training_order

MAPS = 7  # of the tiny dataset: a pass is one batch of 4


def batches(data, steps=6, fakes=None, seed=3):
    """What a trainer gets: the hooks in Lightning's order."""
    arm = ArmData(for_segmenters(data), steps, seed, fakes)
    found = []
    for samples in arm.train_dataloader():
        found.append(arm.on_after_batch_transfer(arm.on_before_batch_transfer(samples, 0), 0))
    return found, arm


def painted(*values):
    """Draws whose pictures have one value everywhere: the draw's, plus the number of the map."""
    maps = np.arange(MAPS, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return [np.broadcast_to(value + maps, (MAPS, 3, 32, 64)) for value in values]


def test_label_maps_and_mirroring_are_the_same_in_all_arms(model):
    photos, _ = batches(model.data)
    for fakes in (Fakes(painted(10, 100)), Fakes(painted(10, 100), every=2)):
        others, _ = batches(model.data, fakes=fakes)
        assert len(photos) == len(others) == 6
        for ours, theirs in zip(photos, others, strict=True):
            assert torch.equal(ours.label, theirs.label)
            assert torch.equal(ours.instance, theirs.instance)
            assert ours.name == theirs.name
            assert len(ours) == BATCH


def test_maps_have_their_own_instances_and_some_are_mirrored(model):
    found, arm = batches(model.data)
    mirrored = 0
    for number, batch in enumerate(found):
        for row in range(BATCH):
            place = arm.places[number * BATCH + row]
            sample = model.data.encode(next(iter(model.data.loader_of("train", [place.sample]))))
            straight = torch.equal(batch.label[row], sample.label[0])
            turn = (lambda each: each) if straight else (lambda each: each.flip(-1))
            mirrored += not straight
            assert torch.equal(batch.label[row], turn(sample.label[0]))
            assert torch.equal(batch.image[row], turn(sample.image[0]))
            assert torch.equal(batch.instance[row], turn(sample.instance[0]))
    assert 0 < mirrored < 24


def test_each_map_has_its_own_fake_and_passes_take_turns_of_the_draws(model):
    found, arm = batches(model.data, fakes=Fakes(painted(10, 100)))
    values = [((batch.image + 1) * 127.5).round() for batch in found]
    for number, pictures in enumerate(values):
        for row, place in enumerate(arm.places[number * BATCH : (number + 1) * BATCH]):
            assert (pictures[row] == (10, 100)[number % 2] + place.sample).all()


def test_half_of_every_batch_is_fakes_in_both(model):
    photos, _ = batches(model.data)
    found, _ = batches(model.data, fakes=Fakes(painted(10), every=2))
    for ours, theirs in zip(photos, found, strict=True):
        same = [torch.equal(a, b) for a, b in zip(ours.image, theirs.image, strict=True)]
        assert same == [False, True, False, True]


def test_fakes_are_mirrored_with_their_map(model):
    one = Fakes([np.random.default_rng(0).integers(0, 255, (MAPS, 3, 32, 64), dtype=np.uint8)])
    found, arm = batches(model.data, fakes=one)
    photos, _ = batches(model.data)
    checked = 0
    for number, (batch, real) in enumerate(zip(found, photos, strict=True)):
        for row, place in enumerate(arm.places[number * BATCH : (number + 1) * BATCH]):
            photo = torch.from_numpy(np.asarray(model.data.dataset("train")[place.sample]["image"])) / 127.5 - 1
            fake = torch.from_numpy(one.draws[0][place.sample]) / 127.5 - 1
            turned = not torch.allclose(real.image[row], photo)
            torch.testing.assert_close(batch.image[row], fake.flip(-1) if turned else fake)
            checked += turned
    assert checked


def test_the_order_is_of_shuffled_passes_over_all_maps():
    places = training_order(9, 5, seed=1)  # a pass has 2 batches
    assert [place.position for place in places] == list(range(20))
    for start in (0, 8):
        assert max(Counter(place.sample for place in places[start : start + 8]).values()) == 1
    assert training_order(9, 3, seed=1) == places[:12]
    assert training_order(9, 5, seed=2) != places


@pytest.mark.parametrize(
    ("maps", "steps", "passes"), [(9, 5, 3), (9, 4, 2), (600, 1500, 10), (2975, 743, 1), (4, 7, 7)]
)
def test_passes_that_a_training_begins(maps, steps, passes):
    assert passes_of(maps, steps) == passes


def test_too_few_maps():
    with pytest.raises(ConfigurationError, match="has 3 label maps"):
        training_order(3, 10, seed=0)
