import math

import pytest

from oasis.metrics import describe, higher_is_better, split_class


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
