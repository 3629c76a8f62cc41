"""PQ equals what cityscapesscripts computes from files, what torchmetrics does where it can, and numbers by hand."""

import dataclasses
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from cityscapesscripts.evaluation.evalPanopticSemanticLabeling import pq_compute_single_core
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from torchmetrics.detection import PanopticQuality

from oasis.data.transforms import compact_instances
from oasis.errors import MetricError
from oasis.labels import LabelSpace
from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import match_all

ROAD, SKY, CAR, BUS, VOID = range(5)
SPACE = dataclasses.replace(
    LabelSpace.cityscapes_train_ids(),
    names=("road", "sky", "car", "bus", "void"),
    palette=((0, 0, 0),) * 5,
    things=frozenset({CAR, BUS}),
    ignore_index=VOID,
    evaluated=frozenset(range(VOID)),
    raw_to_class=(*range(5), *[-1] * 251),
)
CLASSES = ScoredClasses(SPACE)


def scores(predicted, target, classes=CLASSES):
    """Ours: predicted and target are each label and instance, (N, H, W) arrays."""
    metric = PanopticScores(classes)
    maps = (torch.from_numpy(np.asarray(x)).long() for x in (*predicted, *target))
    metric.update(torch.arange(len(target[0])), match_all(classes, *maps))
    return {name: float(value) for name, value in metric.compute().items()}


def write_panoptic(path, label, instance, classes, *, is_target):
    """One map in COCO's panoptic format: a PNG of segment numbers; returns the segments' description."""
    thing = np.isin(label, list(classes.things))
    void = (label == classes.void) | (thing & (instance == 0) & (not is_target))
    number = np.where(void, 0, label * 1000 + instance * thing + 1)
    Image.fromarray(np.stack([number % 256, number // 256, 0 * number], axis=2).astype(np.uint8)).save(path)
    found = [int(value) - 1 for value in np.unique(number) if value > 0]
    return [
        {
            "id": value + 1,
            "category_id": value // 1000,
            "area": int((number == value + 1).sum()),
            "iscrowd": int(value // 1000 in classes.things and value % 1000 == 0),
        }
        for value in found
    ]


def official_scores(predicted, target, classes=CLASSES):
    """What cityscapesscripts says of the same maps, written to files."""
    categories = {k: {"name": name, "isthing": int(k in classes.things)} for k, name in enumerate(classes.names)}
    with tempfile.TemporaryDirectory() as folder:
        annotations = []
        for i in range(len(target[0])):
            pair = []
            for maps, kind in ((target, "target"), (predicted, "predicted")):
                path = Path(folder) / f"{kind}_{i}.png"
                segments = write_panoptic(path, maps[0][i], maps[1][i], classes, is_target=kind == "target")
                pair.append({"image_id": str(i), "file_name": path.name, "segments_info": segments})
            annotations.append(pair)
        stat = pq_compute_single_core(0, annotations, folder, folder, categories)
    result = {}
    for suffix, isthing in (("", None), ("_things", True), ("_stuff", False)):
        wanted = [k for k in categories if isthing is None or isthing == (k in classes.things)]
        occurs = {k: stat[k].tp + stat[k].fp + stat[k].fn > 0 for k in wanted}
        if not any(occurs.values()):  # the official tool divides by zero there
            result |= {f"{name}{suffix}": np.nan for name in ("pq", "sq", "rq")}
            continue
        mean, of_class = stat.pq_average(categories, isthing=isthing)
        result |= {f"{name}{suffix}": mean[name] for name in ("pq", "sq", "rq")}
        result |= {f"pq/{classes.names[k]}": of_class[k]["pq"] if occurs[k] else np.nan for k in wanted}
    return {f"pq/{name}": np.nan for name in classes.names} | result


def assert_equal(ours, theirs):
    """Everything but the touching recall, which only we have."""
    assert set(ours) - set(theirs) == {"touching_recall", "touching_count"}
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name


def rows(*text):
    """A map from one word per row, one character per pixel."""
    return np.array([[int(character) for character in row] for row in text])[None]


# Cars 1 and 2 touch, car 3 stands alone; a group of cars on the right, void at the bottom.
TARGET = (
    rows("111111111111", "000000000000", "222200220222", "222200220222", "000000000444"),
    rows("000000000000", "000000000000", "112200330000", "112200330000", "000000000000"),
)


def test_by_hand():
    """Car 1 exact, car 2 missed, car 3 at 3/4, a car in group and void (no error), one on road, 5 of 12 sky void."""
    predicted = (
        rows("111111144444", "000000000002", "220000200222", "220000220222", "000000000222"),
        rows("000000000000", "000000000004", "110000200333", "110000220333", "000000000333"),
    )
    ours = scores(predicted, TARGET)
    # Road: rightly 11 + 3 + 3 + 9; the target's 12 + 3 + 3 + 9, and car 2 and a pixel of car 3 besides.
    road = 26 / (27 + 5)
    sky = 7 / 12
    # Cars: TP 1 and 3 (IoU 1 and 3/4); FN car 2; FP the one on the road.
    car = (1 + 3 / 4) / (2 + 1 / 2 + 1 / 2)
    assert ours["pq/road"] == pytest.approx(road)
    assert ours["pq/sky"] == pytest.approx(sky)
    assert ours["pq/car"] == pytest.approx(car) == ours["pq_things"]
    assert np.isnan(ours["pq/bus"])
    assert ours["pq"] == pytest.approx((road + sky + car) / 3)
    assert ours["pq_stuff"] == pytest.approx((road + sky) / 2)
    assert ours["rq_things"] == pytest.approx(2 / 3)
    assert ours["sq_things"] == pytest.approx(7 / 8)
    assert (ours["touching_recall"], ours["touching_count"]) == (1 / 2, 2)
    assert_equal(ours, official_scores(predicted, TARGET))


def test_perfect_and_useless():
    perfect = scores(TARGET, TARGET)
    assert {perfect[name] for name in ("pq", "sq", "rq", "pq_things", "pq_stuff", "touching_recall")} == {1.0}
    nothing = (np.full_like(TARGET[0], VOID), TARGET[1])
    assert scores(nothing, TARGET)["pq"] == 0
    assert np.isnan(scores(TARGET, nothing)["pq"])  # nothing to find, and what was found lies in void
    assert np.isnan(scores(TARGET, nothing)["touching_recall"])


def test_instance_numbers_mean_nothing_but_who_is_who():
    renumbered = np.array([0, 700, 3, 12])[TARGET[1]]
    on_stuff = np.where(TARGET[0] == ROAD, 9, renumbered)
    assert scores((TARGET[0], on_stuff), TARGET)["pq"] == 1.0


@st.composite
def panoptic_pairs(draw):
    """Two images of large blocks with void, groups and predicted void; the prediction is the target, edited."""
    shape = (2, 3, 4)
    elements = (st.integers(ROAD, VOID), st.integers(0, 2))
    target, other = ([draw(arrays(np.int64, shape, elements=e)) for e in elements] for _ in range(2))
    target, other = ([m.repeat(3, axis=1).repeat(3, axis=2) for m in maps] for maps in (target, other))
    edited = draw(arrays(np.bool_, (2, 9, 12), elements=st.booleans()))
    if draw(st.booleans()):
        edited[:, ::2] = False
    return [np.where(edited, b, a) for a, b in zip(target, other, strict=True)], target


@given(panoptic_pairs())
@settings(max_examples=60, deadline=None)
def test_equals_cityscapesscripts(pair):
    predicted, target = pair
    assert_equal(scores(predicted, target), official_scores(predicted, target))


def torchmetrics_scores(predicted, target):
    metric = PanopticQuality(
        things=set(CLASSES.things),
        stuffs={ROAD, SKY},
        allow_unknown_preds_category=True,
        return_sq_and_rq=True,
        return_per_class=True,
    )
    metric.update(*(torch.from_numpy(np.stack(maps, axis=3)) for maps in (predicted, target)))
    order = [(metric.cat_id_to_continuous_id[k], name) for k, name in enumerate(CLASSES.names)]
    table = metric.compute().squeeze()
    return {name: table[row].tolist() for row, name in order}


def test_equals_torchmetrics_where_it_is_right():
    rng = np.random.default_rng(0)
    for _ in range(10):
        target = rng.integers(0, 5, (3, 4, 6)), rng.integers(1, 4, (3, 4, 6))  # an instance everywhere: no group
        target = [maps.repeat(4, axis=1).repeat(4, axis=2) for maps in target]
        edited = rng.random(target[0].shape) < 0.2
        predicted = [
            np.where(edited, rng.integers(low, 4, edited.shape), m) for low, m in zip((0, 1), target, strict=True)
        ]
        predicted[0][predicted[0] == VOID] = ROAD
        ours, theirs = scores(predicted, target), torchmetrics_scores(predicted, target)
        occurring = [name for name in CLASSES.names if not np.isnan(ours[f"pq/{name}"])]
        assert occurring
        for name in occurring:  # torchmetrics divides in float32
            assert ours[f"pq/{name}"] == pytest.approx(theirs[name][0], abs=1e-6)
        for i, kind in enumerate(("pq", "sq", "rq")):
            assert ours[kind] == pytest.approx(np.mean([theirs[name][i] for name in occurring]), abs=1e-6)


def test_torchmetrics_forgives_what_was_predicted_void_and_we_do_not():
    """If this fails, torchmetrics has changed, and the docstring of PanopticScores should."""
    predicted = (np.where(TARGET[0] == SKY, VOID, TARGET[0]), TARGET[1])
    assert scores(predicted, TARGET)["pq/sky"] == 0 == official_scores(predicted, TARGET)["pq/sky"]
    predicted[0][0, 0, :5] = SKY  # 5 of 12, no match
    assert scores(predicted, TARGET)["pq/sky"] == 0 == official_scores(predicted, TARGET)["pq/sky"]
    assert torchmetrics_scores(predicted, TARGET)["sky"][0] == 1.0


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cityscapes_sample", "camvid"])
def test_equals_cityscapesscripts_on_genuine_maps(name):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    space = LabelSpace.cityscapes_ids()
    classes = ScoredClasses(space)
    files = sorted((Path(os.environ["OASIS_REAL_DATA"]) / name).glob("gtFine/*/*/*_labelIds.png"))[:3]
    assert len(files) == 3
    kinds = ("labelIds", "instanceIds")
    read = [[np.asarray(Image.open(str(f).replace("labelIds", kind)))[::2, ::2] for f in files] for kind in kinds]
    label, raw = (torch.from_numpy(np.stack(maps).astype(np.int64)) for maps in read)
    target = classes.lookup(space)[space.to_classes(label)].numpy(), compact_instances(raw).numpy()
    for shift in (2, 12):
        predicted = tuple(np.roll(maps, shift, axis=2) for maps in target)
        ours = scores(predicted, target, classes)
        assert_equal(ours, official_scores(predicted, target, classes))
        assert 0.2 < ours["pq"] < 1


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"predicted_label": torch.full((1, 2, 3), 5)}, "predicted_label has class 5, outside the 4 scored classes"),
        ({"target_label": torch.full((1, 2, 3), -1)}, "target_label has class -1"),
        (
            {"predicted_label": torch.zeros(1, 4, 6).long()},
            r"target_label is \(1, 2, 3\) but predicted_label is \(1, 4",
        ),
        ({"target_instance": torch.zeros(1, 4, 6).long()}, r"target_instance is \(1, 4, 6\).*resize"),
        ({"target_instance": torch.full((1, 2, 3), -1)}, r"instance -1: number the instances of an image from 1 on"),
        ({"predicted_instance": torch.full((1, 2, 3), 70000)}, r"instance 70000.*65535 the highest"),
        ({"index": torch.arange(2)}, r"positions of shape \(2,\) for 1 images"),
    ],
)
def test_maps_that_cannot_be_compared_are_refused(edit, words):
    names = ("predicted_label", "predicted_instance", "target_label", "target_instance")
    maps = {"index": torch.arange(1)} | {name: torch.zeros(1, 2, 3, dtype=torch.int64) for name in names} | edit
    with pytest.raises(MetricError, match=words):
        PanopticScores(CLASSES).update(maps.pop("index"), match_all(CLASSES, **maps))
