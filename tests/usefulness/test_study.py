"""Segmenters of all arms, from checkpoints to scores."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from oasis.checkpoint.own_data import own_data
from oasis.errors import ConfigurationError
from oasis.evaluation import Column, Comparison, Score, open_models
from oasis.metrics.usefulness import MEASURES
from oasis.usefulness import PHOTOS, UNTRAINED, Recipe, both_of, fakes_of
from oasis.usefulness import study as module
from oasis.usefulness.arms import ArmData, Fakes, for_segmenters
from oasis.usefulness.estimate import Estimate
from oasis.usefulness.trial import train, train_and_score

CPU = torch.device("cpu")
SMALL = Recipe(12, channels=4, depth=3)


@pytest.fixture
def trainings(monkeypatch):
    """Counts trainings, by seed and whether there are fakes; each still happens."""
    counted, real = [], module.train_and_score

    def count(data, split, recipe, seed, device, fakes, progress):
        steps = []
        values = real(data, split, recipe, seed, device, fakes, lambda: (steps.append(1), progress()))
        counted.append((seed, None if fakes is None else fakes.every, len(steps)))
        return values

    monkeypatch.setattr(module, "train_and_score", count)
    return counted


def scores(data, fakes, seed=0, recipe=SMALL):
    return train_and_score(for_segmenters(data), "val", recipe, seed, CPU, fakes)


def photos_of(data):
    dataset = data.dataset("train")
    return np.stack([dataset[i]["image"].numpy() for i in range(len(dataset))])


def test_every_arm_takes_the_same_number_of_steps(model, study, trainings):
    result = study(model).run()
    assert sorted(trainings, key=str) == sorted(
        [(seed, every, 10) for seed in (0, 1) for every in (None, 1, 2, 1)], key=str
    )
    assert set(result.scores) == {PHOTOS, fakes_of("test"), both_of("test"), UNTRAINED}
    assert all(len(values) == 2 for arm in result.scores.values() for values in arm.values())
    assert result.scores[PHOTOS].keys() == set(MEASURES)


def test_fakes_that_are_the_photos_give_exactly_the_scores_of_photos(model):
    photos = photos_of(model.data)
    longer = replace(SMALL, steps=40)
    alone = scores(model.data, None, recipe=longer)
    assert alone[0] > 0.1  # it has learned something: equal scores do not come from an empty prediction
    for draws, every in (([photos], 1), ([photos, photos], 1), ([photos, photos, photos], 2)):
        assert torch.equal(scores(model.data, Fakes(draws, every), recipe=longer), alone)


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_others(model):
    def weights(seed):
        return train(ArmData(for_segmenters(model.data), 12, seed), SMALL, CPU).network.state_dict()

    torch.manual_seed(1)
    first = weights(0)
    before = torch.get_rng_state()
    torch.rand(3)  # a global state that differs
    again, other = weights(0), weights(1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
    torch.manual_seed(1)
    weights(0)
    torch.testing.assert_close(torch.get_rng_state(), before)


def test_pictures_of_other_maps_give_chance(patches):
    """Fakes that show their map teach what photos do; the same pictures, shuffled over the maps, teach nothing."""
    photos = photos_of(patches)
    longer = Recipe(60, channels=8, depth=2)
    alone, own, shuffled = (
        float(scores(patches, fakes, recipe=longer)[0])
        for fakes in (None, Fakes([255 - (255 - photos) // 2]), Fakes([np.roll(photos, 1, axis=0)]))
    )
    assert alone > 0.9
    assert own > 0.9  # brighter than photos, but of the same maps
    assert shuffled < 0.5  # two classes, each guessed right half of the time, have an IoU of 1/3


def test_finished_trainings_are_found_again(model, study, trainings):
    told = []
    first = study(model).run()
    assert len(trainings) == 8
    second = study(model, told=told).run()
    assert len(trainings) == 8
    assert second.scores == first.scores
    assert told == ["Found in the cache: 8 of 8 trainings."]
    third = study(model, seeds=3, told=told).run()
    assert len(trainings) == 12
    assert {seed for seed, *_ in trainings[8:]} == {2}
    assert {arm: {m: v[:2] for m, v in each.items()} for arm, each in third.scores.items()} == first.scores


def test_an_interruption_loses_one_training(model, study, trainings, monkeypatch):
    counting = module.train_and_score

    def interrupted(*arguments):
        if len(trainings) == 3:
            raise KeyboardInterrupt
        return counting(*arguments)

    monkeypatch.setattr(module, "train_and_score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(model).run()
    monkeypatch.setattr(module, "train_and_score", counting)
    made = []
    monkeypatch.setattr("oasis.usefulness.fakes.generated", lambda *arguments: made.append(arguments))
    monkeypatch.setattr("oasis.usefulness.estimate.generated", lambda *arguments: made.append(arguments))
    result = study(model).run()
    assert len(trainings) == 8
    assert not made  # pictures are found again too
    monkeypatch.undo()
    assert all(math.isfinite(arm["miou"][0]) for arm in result.scores.values())


def test_photos_alone_do_not_depend_on_the_checkpoint(trained, model, study, trainings):
    study(model).run()
    next(model.generator.parameters()).data.add_(0.5)
    study(model).run()
    again = trainings[8:]
    assert sorted(again, key=str) == sorted([(seed, every, 10) for seed in (0, 1) for every in (1, 2)], key=str)


def test_the_estimate_is_told_before_anything_is_generated_or_trained(model, study, monkeypatch):
    told = []

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.UsefulnessStudy, "_generate", stop)
    with pytest.raises(KeyboardInterrupt):
        study(model, told=told).run()
    assert told[0] == "Measuring how long it will take ..."
    # 7 maps, 2 draws, checkpoint and untrained; 4 arms, 2 seeds
    assert "as measured on this machine: 28 pictures to generate" in told[1]
    assert "8 trainings of 10 steps" in told[1]
    assert "3 photos after each" in told[1]


def test_an_estimate_adds_up():
    estimate = Estimate(((100, 0.5), (0, 9.0), (10, 1.0)), 12, 1500, 0.05, 40, 0.1)
    assert estimate.seconds == pytest.approx(100 * 0.5 + 10 + 12 * (1500 * 0.05 + 40 * 0.1))
    assert estimate.sentence().startswith("About 17 min, as measured on this machine: 110 pictures")


def test_draws_that_no_training_reaches_are_not_made(model, study):
    assert study(model, steps=2, draws=5).draws == range(2)  # a pass is one batch of 4 of the 7 maps


def test_scores_stand_in_the_columns_of_the_comparison(model, study):
    result = study(model).run()
    columns, references = (
        tuple(Column(name, {"fid": Score((1.0,))}, "x") for name in names)
        for names in (("test", "elsewhere"), ("real photos", "untrained"))
    )
    before = Comparison(columns, references, "streets", "val", 3, 32, 64, (0, 1, 2), seconds={"generator": 1.0})
    comparison = result.added_to(before)
    ours, others = comparison.columns
    photos, untrained = comparison.references
    for measure in MEASURES:
        assert ours.scores[f"usefulness/{measure}"].values == result.scores[fakes_of("test")][measure]
        assert ours.scores[f"usefulness_both/{measure}"].values == result.scores[both_of("test")][measure]
        assert photos.scores[f"usefulness/{measure}"].values == result.scores[PHOTOS][measure]
        assert untrained.scores[f"usefulness/{measure}"].values == result.scores[UNTRAINED][measure]
    assert not any(name.startswith("usefulness") for name in others.scores)
    assert "usefulness_both/miou" not in untrained.scores
    assert "10 steps of 4 pictures of the 7 training maps" in comparison.protocols["usefulness/miou"]


def test_without_instances_only_classes_are_measured(fit, tiny, study):
    run = fit("run", "trainer.max_epochs=1", "generator.init_gain=1", "encoding=semantic")
    for path in (tiny.root / "gtFine" / "val").rglob("*instanceIds.png"):
        path.unlink()
    (model,) = open_models([run], own_data)
    result = study(model).run()
    assert all(arm.keys() == {"miou"} for arm in result.scores.values())
    assert any("no instance maps in val" in note for note in result.notes)


def test_checkpoints_of_different_maps_are_not_compared(fit, tiny, trained, study):
    one = fit("run", "trainer.max_epochs=1")
    other = trained("other", "trainer.max_epochs=1")
    with pytest.raises(ConfigurationError, match=r"were trained on different label maps.*Name the dataset"):
        study(*open_models([one, other], own_data))


def test_no_checkpoint(study):
    with pytest.raises(ConfigurationError, match="--train-on-fakes: name a checkpoint"):
        study()


def test_no_training_on_the_photos_that_are_tested_on(model):
    with pytest.raises(ConfigurationError, match="Use --split val"):
        module.UsefulnessStudy([model], CPU, "train", SMALL)


@pytest.mark.parametrize("there", [["val"], ["train"]])
def test_a_dataset_without_a_split(model, study, monkeypatch, there):
    monkeypatch.setattr(type(model.data.source), "splits", lambda self: there)
    with pytest.raises(ConfigurationError, match=r"has no split '(train|val)'.*tested on the photos of 'val'"):
        study(model)
