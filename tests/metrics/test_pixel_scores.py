"""mIoU equals what cityscapesscripts computes from files."""

import copy
import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling import args as official_arguments
from cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling import evaluateImgLists
from PIL import Image

from oasis.errors import ConfigurationError, MetricError
from oasis.labels import LabelSpace
from oasis.metrics.pixel_scores import PixelScores
from oasis.metrics.scored_classes import ScoredClasses

IDS, TRAIN_IDS = LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()
ROAD, SIDEWALK, SKY, CAR, CARAVAN = 7, 8, 23, 26, 29
SKY_HERE, CAR_HERE, VOID = 10, 13, 19


def official_scores(predicted, target, folder):
    """The scores of cityscapesscripts: raw ids (N, H, W) are written to files, and its whole evaluation is run."""
    pairs = []
    for i, maps in enumerate(zip(predicted, target, strict=True)):
        pairs.append([folder / f"{kind}_{i}_labelIds.png" for kind in ("predicted", "target")])
        for path, pixels in zip(pairs[-1], maps, strict=True):
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    arguments = copy.copy(official_arguments)
    arguments.quiet, arguments.JSONOutput, arguments.evalInstLevelScore = True, False, False
    paths = [[str(path) for path in column] for column in zip(*pairs, strict=True)]
    result = evaluateImgLists(*paths, arguments)
    names = ScoredClasses(IDS).names
    return {"miou": result["averageScoreClasses"]} | {f"iou/{name}": result["classScores"][name] for name in names}


def scores(predicted, target, data=IDS, segmenter=IDS):
    """Ours of the same raw ids, each map seen in its own label space, in batches of two."""
    classes = ScoredClasses(data)
    metric = PixelScores(classes)
    looked_up = [
        classes.lookup(space)[space.to_classes(torch.from_numpy(maps))]
        for space, maps in ((segmenter, predicted), (data, target))
    ]
    for index, *maps in zip(torch.arange(len(target)).split(2), *(maps.split(2) for maps in looked_up), strict=True):
        metric.update(index, *maps)
    return metric.compute()


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert float(ours[name]) == pytest.approx(value, abs=1e-12, nan_ok=True), name


@pytest.fixture
def random_maps():
    """Three images of all raw ids but a few, half of each target copied to the prediction."""
    rng = np.random.default_rng(0)
    target = rng.choice([i for i in range(34) if i not in (SKY, 31)], (3, 24, 40))
    elsewhere = rng.choice([i for i in range(34) if i != 31], target.shape)  # sky is predicted, but nowhere true
    return np.where(rng.random(target.shape) < 0.5, target, elsewhere), target


@pytest.mark.parametrize("data", [IDS, TRAIN_IDS], ids=["data_ids", "data_train"])
@pytest.mark.parametrize("segmenter", [IDS, TRAIN_IDS], ids=["segmenter_ids", "segmenter_train"])
def test_equals_cityscapesscripts_whatever_the_label_spaces(random_maps, tmp_path, data, segmenter):
    theirs = official_scores(*random_maps, tmp_path)
    ours = scores(*random_maps, data, segmenter)
    assert_equal(ours, theirs)
    assert ours["iou/sky"] == 0  # false positives only: it counts
    assert ours["iou/train"].isnan()  # occurs nowhere: it does not
    assert 0.2 < ours["miou"] < 0.6


def test_by_hand():
    target = np.array([[[ROAD, ROAD, ROAD, ROAD, SKY, SKY, 0, 0]]])
    predicted = np.array([[[ROAD, ROAD, SKY, 0, SKY, SKY, ROAD, CAR]]])  # a void prediction is a miss
    ours = scores(predicted, target)
    assert ours["iou/road"] == 2 / 4
    assert float(ours["iou/sky"]) == pytest.approx(2 / 3)
    assert float(ours["miou"]) == pytest.approx((2 / 4 + 2 / 3) / 2)
    assert ours["iou/car"].isnan()  # predicted on void only
    assert ours["miou"].dtype == torch.float64


def test_nothing_but_void_is_nan():
    assert scores(np.full((1, 2, 2), ROAD), np.zeros((1, 2, 2), np.int64))["miou"].isnan()


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cityscapes_sample", "camvid"])
def test_equals_cityscapesscripts_on_genuine_maps(name, tmp_path):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    files = sorted((Path(os.environ["OASIS_REAL_DATA"]) / name).glob("gtFine/*/*/*_labelIds.png"))[:5]
    assert len(files) == 5
    target = np.stack([np.asarray(Image.open(path))[::2, ::2] for path in files])
    predicted = np.roll(target, (5, -9), axis=(1, 2))
    swapped = predicted.copy()
    swapped[:3][predicted[:3] == ROAD] = SIDEWALK
    swapped[:3][predicted[:3] == SIDEWALK] = ROAD
    swapped[2:][predicted[2:] == CAR] = CARAVAN  # not evaluated, so void
    for segmenter in (IDS, TRAIN_IDS):
        ours = scores(swapped, target, IDS, segmenter)
        assert_equal(ours, official_scores(swapped, target, tmp_path))
        assert 0.1 < ours["miou"] < 0.9


def test_numbers_of_the_scored_classes():
    for space in (IDS, TRAIN_IDS):
        classes = ScoredClasses(space)
        assert (classes.names[0], classes.names[SKY_HERE], classes.names[CAR_HERE]) == ("road", "sky", "car")
        assert classes.things == frozenset(range(11, 19))
        assert classes.void == VOID == len(classes.names)
    table = ScoredClasses(TRAIN_IDS).lookup(IDS)
    assert table.shape == (35,)
    assert table.dtype == torch.int64
    assert table[[SKY, CAR, CARAVAN, 0]].tolist() == [SKY_HERE, CAR_HERE, VOID, VOID]


def renamed(**names):
    return dataclasses.replace(TRAIN_IDS, names=tuple(names.get(name, name) for name in TRAIN_IDS.names))


@pytest.mark.parametrize(
    ("segmenter", "words"),
    [
        (
            renamed(sky="heaven"),
            r"not known to the segmenter: sky; known to the segmenter only: heaven\..*oasis train-segmenter",
        ),
        (dataclasses.replace(TRAIN_IDS, evaluated=frozenset(range(18))), r"not known to the segmenter: bicycle\."),
        (dataclasses.replace(TRAIN_IDS, things=frozenset(range(10, 19))), r"instances on one side only: sky\."),
    ],
)
def test_a_segmenter_of_another_label_space_is_refused(segmenter, words):
    with pytest.raises(ConfigurationError, match=r"trained on another label space than the data's.*" + words):
        ScoredClasses(IDS).lookup(segmenter)


def test_label_spaces_that_cannot_be_scored_are_refused():
    with pytest.raises(ConfigurationError, match="evaluates no class"):
        ScoredClasses(dataclasses.replace(IDS, evaluated=frozenset()))
    with pytest.raises(ConfigurationError, match="several are called: road"):
        ScoredClasses(renamed(sky="road"))


@pytest.mark.parametrize(
    ("predicted", "words"),
    [
        (torch.full((2, 4, 6), 20), r"predicted has class 20, outside the 19 scored.*ScoredClasses\.lookup"),
        (torch.full((2, 4, 6), -1), r"predicted has class -1"),
        (torch.zeros(2, 8, 6, dtype=torch.int64), r"target is \(2, 4, 6\) but predicted is \(2, 8, 6\): resize"),
    ],
)
def test_maps_that_cannot_be_compared_are_refused(predicted, words):
    with pytest.raises(MetricError, match=words):
        PixelScores(ScoredClasses(IDS)).update(torch.arange(2), predicted, torch.zeros(2, 4, 6, dtype=torch.int64))
