"""The contract of all segmenters in conf/segmenter."""

import shutil

import pytest
import torch
from segmenting import random_pictures

from oasis.segmenters import Prediction, Segmenter


def copied(weights, folder):
    """A copy of a file or a folder of weights, of the same name."""
    copy = shutil.copytree if weights.is_dir() else shutil.copy
    return copy(weights, folder / weights.name)


def with_other_weights(path):
    """Change one number of the weights in a file or a folder."""
    if path.is_dir():
        safetensors = pytest.importorskip("safetensors.torch")
        weights = safetensors.load_file(path / "model.safetensors")
        next(iter(weights.values())).view(-1)[0] += 1
        safetensors.save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    else:
        parts = torch.load(path, weights_only=True)
        next(iter(parts.get("weights", parts).values())).view(-1)[0] += 1
        torch.save(parts, path)


@pytest.mark.parametrize("size", [(64, 128), (50, 90), (31, 33)])
def test_predictions_are_of_its_label_space(build, name, size):
    segmenter = build(name)
    assert isinstance(segmenter, Segmenter)
    prediction = segmenter(random_pictures(2, *size))
    assert isinstance(prediction, Prediction)
    assert prediction.label.shape == prediction.instance.shape == (2, *(segmenter.size or size))
    assert prediction.label.dtype == prediction.instance.dtype == torch.int64
    space = segmenter.label_space
    assert set(prediction.label.unique().tolist()) <= set(range(space.num_classes)) - {space.ignore_index}
    assert set(prediction.label[prediction.instance > 0].tolist()) <= space.things
    assert segmenter.finds_instances or not prediction.instance.any()
    for label, instance in zip(prediction.label, prediction.instance, strict=True):
        numbers = [number for number in instance.unique().tolist() if number != 0]
        assert numbers == list(range(1, len(numbers) + 1))
        assert all(len(label[instance == number].unique()) == 1 for number in numbers)


def test_every_instance_has_a_score(build, name):
    segmenter, pictures = build(name), random_pictures(3)
    prediction = segmenter(pictures)
    assert segmenter.scores_instances == (prediction.score is not None)
    if prediction.score is not None:
        assert prediction.score.shape == (3, prediction.instance.max())
        for i, (instance, score) in enumerate(zip(prediction.instance, prediction.score, strict=True)):
            number = int(instance.max())
            assert (score[:number] > 0).all()
            assert (score[number:] == 0).all()
            alone = segmenter(pictures[i : i + 1]).score[0]
            torch.testing.assert_close(alone, score[:number], rtol=1e-4, atol=1e-5)


def test_features_are_finite_vectors(build, name):
    segmenter = build(name)
    features = segmenter.features(random_pictures(2, 50, 90))
    assert features.shape == (2, segmenter.num_features)
    assert features.dtype == torch.float32
    assert features.isfinite().all()


def test_the_batch_makes_no_difference(build, name):
    segmenter, pictures = build(name), random_pictures(4)
    together, features = segmenter(pictures), segmenter.features(pictures)
    for i in range(4):
        alone = segmenter(pictures[i : i + 1])
        assert torch.equal(alone.label[0], together.label[i])
        assert torch.equal(alone.instance[0], together.instance[i])
        torch.testing.assert_close(segmenter.features(pictures[i : i + 1])[0], features[i], rtol=1e-4, atol=1e-5)


def test_nothing_changes_it(build, name):
    """Neither training mode, nor autocast, nor the pictures that it sees."""
    segmenter, pictures = build(name), random_pictures(2)
    fingerprint, before, features = segmenter.fingerprint, segmenter(pictures), segmenter.features(pictures)
    holder = torch.nn.ModuleList([segmenter]).train()
    assert not any(module.training for module in holder[0].modules())
    assert not any(parameter.requires_grad for parameter in segmenter.parameters())
    segmenter(5 * random_pictures(seed=1))
    with torch.autocast("cpu", torch.bfloat16):
        after = segmenter(pictures)
        assert torch.equal(segmenter.features(pictures), features)
    assert torch.equal(after.label, before.label)
    assert torch.equal(after.instance, before.instance)
    assert segmenter.fingerprint == fingerprint


def test_the_fingerprint_changes_with_the_weights(build, name, request, tmp_path):
    weights = copied(request.getfixturevalue(name), tmp_path)
    fingerprint = build(name).fingerprint
    assert build(name, weights).fingerprint == fingerprint
    with_other_weights(weights)
    assert build(name, weights).fingerprint != fingerprint
