import math

import pytest

from oasis.metrics import against, describe, higher_is_better, split_class
from oasis.metrics.names import in_order


@pytest.mark.parametrize(
    ("name", "value", "printed"),
    [
        ("segmenter/pq", 0.12345, "12.35"),  # a share, in percent
        ("kid", 0.0042, "4.20"),  # times 1000
        ("segmenter/touching_count", 450.0, "450"),
        ("unheard/of", 1.0, "1.000"),
        ("fid", math.nan, "-"),
    ],
)
def test_a_value_on_its_own(name, value, printed):
    assert describe(name).show(value) == printed


def test_which_way_is_better():
    assert higher_is_better("segmenter/touching_recall") is True
    assert higher_is_better("fid_oasis") is False
    assert higher_is_better("unheard/of") is None
    assert higher_is_better("segmenter/iou/car") is True


def test_names_of_classes():
    assert split_class("segmenter/iou/traffic light") == ("segmenter/iou", "traffic light")
    assert split_class("segmenter/pq") == ("segmenter/pq", None)
    assert split_class("fid") == ("fid", None)


@pytest.mark.parametrize("name", ["fid", "fid_oasis", "kid_std", "cmmd", "frechet_dinov2", "segmenter/frechet"])
def test_distances_from_other_photos_are_told_apart(name):
    usual, train, test = (against(name, reference) for reference in ("val", "train", "test"))
    assert usual == name
    assert len({usual, train, test}) == 3
    assert describe(train).title == f"{describe(name).title}, training photos"
    assert describe(test).title == f"{describe(name).title}, test photos"
    assert describe(train).meaning.startswith("Against all training photos")
    assert higher_is_better(train) == higher_is_better(name)
    assert split_class(train) == (train, None)
    assert in_order(["segmenter/miou", train, "instances/color", name]) == [
        *in_order([train, name]),
        "segmenter/miou",
        "instances/color",
    ]


def test_trains_are_a_class_and_no_reference():
    assert describe("segmenter/iou/train").title == "IoU train"
    assert describe("segmenter/miou_train").higher_is_better is None  # no distance
    assert describe("my_train").title == "my_train"
