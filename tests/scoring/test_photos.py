import torch

from oasis.data import Cityscapes, FileSamples
from oasis.data.transforms import to_unit_range
from oasis.scoring import RealPhotos

CPU = torch.device("cpu")


def test_features_are_those_of_the_photos_in_order(data, means, tiny, ids):
    found = RealPhotos(data(), CPU, progress=False).features(means)
    dataset = FileSamples(Cityscapes(tiny.root), "val", ids, 32, 64)
    expected = [means(to_unit_range(dataset[i]["image"][None])) for i in range(len(dataset))]
    assert torch.allclose(found, torch.cat(expected), atol=1e-6)


def test_computed_once_whatever_the_batch_size(data, means):
    first = RealPhotos(data(batch_size=1), CPU, progress=False).features(means)
    calls = means.calls
    second = RealPhotos(data(batch_size=3), CPU, progress=False).features(means)
    assert torch.equal(first, second)
    assert means.calls == calls


def test_anything_that_changes_a_feature_computes_anew(data, means, tiny):
    def features(**settings):
        return RealPhotos(data(**settings), CPU, progress=False).features(means)

    first, calls = features(), means.calls
    assert features(height=64, width=128).shape == first.shape
    assert means.calls > calls
    calls = means.calls
    means.fingerprint = "means 2"
    features()
    assert means.calls > calls
    calls = means.calls
    tiny.add("val", "town_000100_000019", seed=55)  # another photo under the same name
    assert not torch.equal(features(), first)
    assert means.calls > calls


def test_the_floor_takes_as_many_training_photos(data, means, tiny, ids):
    photos = RealPhotos(data(), CPU, progress=False)
    other = photos.other_features(means)
    assert len(other) == len(photos.features(means)) == 3
    assert torch.equal(other, RealPhotos(data(), CPU, progress=False).other_features(means))
    dataset = FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64)
    everything = torch.cat([means(to_unit_range(dataset[i]["image"][None])) for i in range(7)])
    assert all((row - everything).abs().sum(dim=1).min() < 1e-5 for row in other)


def test_distances_from_training_photos_take_them_all_and_compare_them_with_the_others(data, means, tiny, ids):
    photos = RealPhotos(data(), CPU, progress=False, reference="train")
    train, val = (FileSamples(Cityscapes(tiny.root), split, ids, 32, 64) for split in ("train", "val"))
    reference, other = (
        torch.cat([means(to_unit_range(dataset[i]["image"][None])) for i in range(len(dataset))])
        for dataset in (train, val)
    )
    assert torch.allclose(photos.features(means), reference, atol=1e-6)
    assert len(reference) == 7
    assert photos.other_split == "val"
    assert torch.allclose(photos.other_features(means), other, atol=1e-6)


def test_photos_are_never_compared_with_themselves(data, means):
    photos = RealPhotos(data(), CPU, split="train", progress=False)
    assert (photos.reference, photos.other_split) == ("train", "val")
    assert len(photos.other_features(means)) == 3
    photos = RealPhotos(data(), CPU, split="train", progress=False, reference="val")
    assert photos.other_split == "train"
    assert len(photos.other_features(means)) == 7
