import dataclasses
import sys

import pytest
import torch

from oasis.errors import ConfigurationError, MetricError
from oasis.labels import LabelSpace
from oasis.metrics.distances import frechet_distance
from oasis.scoring import (
    AVERAGE_PRECISION,
    RealPhotos,
    Scorer,
    load_metric_networks,
    real_features,
    scores_of_photos,
)
from oasis.visualize import colorize

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")


def batches(data, size):
    dataset = data(batch_size=size)
    return [dataset.encode(sample) for sample in dataset.val_dataloader()]


def scored(data, ids, means, oracle, size, generate):
    real = real_features(RealPhotos(data(), CPU, progress=False), [means])
    scorer = Scorer(ids, CPU, real, oracle)
    for batch in batches(data, size):
        scorer.update(batch, generate(batch))
    return scorer.compute()


def test_label_maps_in_their_colours_are_segmented_perfectly(data, ids, means, oracle):
    scores = scored(data, ids, means, oracle, 2, lambda batch: colorize(batch.label, ids.palette))
    assert scores["segmenter/miou"] == 1
    assert scores["segmenter/pq_stuff"] == 1
    assert scores["segmenter/iou/car"] == 1
    assert scores["segmenter/pq/car"] == 0  # two cars side by side, seen as one
    assert scores["segmenter/touching_recall"] == 0
    assert scores["segmenter/touching_count"] == 6
    assert "segmenter/iou/train" not in scores  # there is none


def test_real_photos_are_at_no_distance_from_themselves(data, ids, means, oracle):
    scores = scored(data, ids, means, oracle, 2, lambda batch: batch.image)
    assert scores["means"] == pytest.approx(0, abs=1e-6)


def test_the_batch_size_does_not_matter(data, ids, means, oracle):
    def generate(batch):
        return (colorize(batch.label, ids.palette) * 0.7).roll(3, dims=-1)

    one, three = (scored(data, ids, means, oracle, size, generate) for size in (1, 3))
    assert one.keys() == three.keys()
    for name, value in one.items():
        assert value == pytest.approx(three[name], rel=1e-5, nan_ok=True), name


def test_reset_forgets(data, ids, means, oracle):
    scorer = Scorer(ids, CPU, real_features(RealPhotos(data(), CPU, progress=False), [means]), oracle)
    (batch,) = batches(data, 3)
    scorer.update(batch, -torch.ones_like(batch.image))
    scorer.reset()
    scorer.update(batch, batch.image)
    assert scorer.compute()["means"] == pytest.approx(0, abs=1e-6)


def test_floor_is_the_distance_of_training_photos(data, means, oracle):
    photos = RealPhotos(data(), CPU, progress=False)
    real = real_features(photos, [means])
    scores = scores_of_photos(photos, real, oracle)
    assert scores["means"] == pytest.approx(frechet_distance(photos.other_features(means), photos.features(means)))
    assert scores["means"] > 0
    assert 0 <= scores["segmenter/miou"] <= 1


def test_distances_from_training_photos_have_names_of_their_own(data, ids, means):
    photos = RealPhotos(data(), CPU, progress=False, reference="train")
    real = real_features(photos, [means])
    scorer = Scorer(ids, CPU, real, reference="train")
    (batch,) = batches(data, 3)
    scorer.update(batch, batch.image * 0.5)
    found = scorer.compute()
    expected = frechet_distance(real[means], means(batch.image * 0.5))
    assert len(real[means]) == 7
    assert found["means_train"] == pytest.approx(expected, rel=1e-5)
    assert not {"means", "means_kernel"} & found.keys()
    of_photos = scores_of_photos(photos, real, None)
    assert of_photos["means_train"] == pytest.approx(frechet_distance(real[means], means(batch.image)), rel=1e-4)
    assert of_photos.keys() == found.keys()


def test_nan_is_named(data, ids, means, oracle):
    real = real_features(RealPhotos(data(), CPU, progress=False), [means])
    (batch,) = batches(data, 3)
    broken = batch.image.clone()
    broken[1, 0, 5, 5] = torch.nan
    with pytest.raises(MetricError, match=rf"{batch.name[1]} hold NaN"):
        Scorer(ids, CPU, real, oracle).update(batch, broken)


def test_a_segmenter_of_other_classes_is_refused(ids, oracle):
    names = (*ids.names[:7], "carriageway", *ids.names[8:])
    oracle.label_space = dataclasses.replace(ids, names=names)
    with pytest.raises(ConfigurationError, match=r"road.*carriageway"):
        Scorer(ids, CPU, {}, oracle)


def test_a_segmenter_that_numbers_classes_differently_will_do(data, ids, oracle):
    """Trained on the 19 train ids, judging a dataset of all 35."""
    train_ids = LabelSpace.cityscapes_train_ids()
    (batch,) = batches(data, 3)
    scorer = Scorer(ids, CPU, {}, type(oracle)(train_ids))
    scorer.update(batch, colorize(batch.label, ids.palette))
    assert scorer.compute()["segmenter/miou"] == 1


def test_instances_of_one_colour_and_of_two(data, ids):
    (batch,) = batches(data, 3)
    scorer = Scorer(ids, CPU, {})
    scorer.update(batch, colorize(batch.label, ids.palette))
    assert scorer.compute() == {"instances/color": 0, "instances/color/car": 0}  # every car in the same blue
    scorer.reset()
    scorer.update(batch, (batch.instance[:, None] == 1).expand(-1, 3, -1, -1) * 2.0 - 1)
    assert scorer.compute()["instances/color/car"] == pytest.approx(1)


def test_without_instance_maps_nothing_is_said_of_instances(data, ids):
    (batch,) = batches(data, 3)
    scorer = Scorer(ids, CPU, {})
    scorer.update(dataclasses.replace(batch, instance=torch.zeros_like(batch.instance)), batch.image)
    assert scorer.compute() == {}


def keep_one(tiny, split):
    """Leave a single sample in a split."""
    for folder, pattern in (("leftImg8bit", "*.png"), ("gtFine", "*.png")):
        paths = sorted((tiny.root / folder / split / "town").glob(pattern))
        for path in paths:
            if not path.name.startswith(paths[0].name[:11]):
                path.unlink()


def test_a_single_photo_has_every_score_but_distances(tiny, data, ids, means, oracle):
    keep_one(tiny, "val")
    with pytest.warns(UserWarning, match="The split 'val' has a single photo: means compares sets of at least 2"):
        scores = scored(data, ids, means, oracle, 1, lambda batch: colorize(batch.label, ids.palette))
    assert scores["segmenter/miou"] == 1
    assert scores["segmenter/pq_stuff"] == 1
    assert "means" not in scores
    of_photos = scores_of_photos(RealPhotos(data(), CPU, progress=False), {}, oracle)
    assert 0 <= of_photos["segmenter/miou"] <= 1


def test_a_single_training_photo_gives_no_distance_of_real_photos(tiny, data, means, oracle):
    keep_one(tiny, "train")
    photos = RealPhotos(data(batch_size=1), CPU, progress=False)
    scores = scores_of_photos(photos, real_features(photos, [means]), oracle)
    assert "means" not in scores
    assert "segmenter/miou" in scores


def test_average_precision_needs_scores_and_pycocotools(data, ids, oracle, sure, monkeypatch):
    pytest.importorskip("pycocotools")
    (batch,) = batches(data, 3)

    def measured(segmenter):
        scorer = Scorer(ids, CPU, {}, segmenter)
        scorer.update(batch, colorize(batch.label, ids.palette))
        return scorer.compute()

    assert AVERAGE_PRECISION.isdisjoint(measured(oracle))  # it says nothing of how sure it is
    everything = measured(sure)
    assert everything.keys() >= AVERAGE_PRECISION
    assert "segmenter/ap/car" in everything
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    without = measured(sure)
    assert everything.keys() - without.keys() == {
        name for name in everything if name.startswith(("segmenter/ap", "segmenter/box"))
    }
    assert {name: everything[name] for name in without} == pytest.approx(without, nan_ok=True)


def test_a_missing_package_is_noted_once_with_its_extra(data, sure, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.warns(UserWarning, match=r"pip install 'panoptic-oasis\[coco\]'"):
        loaded = load_metric_networks(data(), [], lambda default: sure)
    assert len(loaded.missing) == 1
