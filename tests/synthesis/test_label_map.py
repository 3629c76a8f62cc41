"""Properties of label maps."""

import numpy as np
import pytest

from oasis.errors import ConfigurationError, DatasetError
from oasis.synthesis import LabelMap


@pytest.fixture
def label_map(street, ids):
    return LabelMap(street.label, street.instance, ids, "street.png")


def test_masks_are_where_the_ids_are(label_map, street):
    np.testing.assert_array_equal(label_map.class_mask("car"), street.label == 26)
    np.testing.assert_array_equal(label_map.instance_mask(26002), street.instance == 26002)
    assert label_map.class_names == ("unlabeled", "road", "sky", "person", "car")
    assert label_map.instance_ids == (24001, 26000, 26002)
    assert label_map.has_things


def test_a_segment_is_an_individual_or_all_of_its_class_that_is_none(label_map, street):
    for row in range(0, street.label.shape[0], 3):
        for column in range(0, street.label.shape[1], 3):
            segment = label_map.segment_at(row, column)
            own = street.instance[row, column]
            assert segment.instance_id == (own if own >= 1000 else None)
            assert (
                segment.name
                == {0: "unlabeled", 23: "sky", 7: "road", 26: "car", 24: "person"}[street.label[row, column]]
            )
            np.testing.assert_array_equal(segment.mask, street.instance == own)


def test_without_instances_a_segment_is_the_whole_class(street, ids):
    plain = LabelMap(street.label, None, ids)
    row, column = np.argwhere(street.instance == 26000)[0].tolist()
    segment = plain.segment_at(row, column)
    assert (segment.name, segment.instance_id) == ("car", None)
    np.testing.assert_array_equal(segment.mask, street.label == 26)
    assert plain.instance_ids == ()
    with pytest.raises(ConfigurationError, match=r"instance 26000 is asked for.*instanceIds\.png"):
        plain.instance_mask(26000)


def test_what_is_not_there_is_answered_with_what_is(label_map):
    with pytest.raises(ConfigurationError, match=r"'cow' is no class.*unlabeled, road, sky, person, car"):
        label_map.class_mask("cow")
    with pytest.raises(ConfigurationError, match=r"street\.png has no bus\. There are: unlabeled, road"):
        label_map.class_mask("bus")
    with pytest.raises(ConfigurationError, match=r"no instance 26001. There are: 24001, 26000, 26002"):
        label_map.instance_mask(26001)
    with pytest.raises(ConfigurationError, match=r"is 128x32 .*no row 32, column 0"):
        label_map.segment_at(32, 0)


def test_resizing_keeps_label_and_instance_together(label_map):
    small = label_map.resized(13, 41)
    assert (small.height, small.width) == (13, 41)
    individual = small.instance >= 1000
    np.testing.assert_array_equal(small.instance[individual] // 1000, small.label[individual])
    np.testing.assert_array_equal(small.instance[~individual], small.label[~individual])


@pytest.mark.parametrize(
    ("label", "instance", "message"),
    [
        (np.zeros((2, 2), np.int64), None, r"label has shape \(2, 2\) and int64"),
        (np.zeros((0, 2), np.uint8), None, r"label has shape \(0, 2\)"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.int32), r"instance has shape \(2, 3\)"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint16), "instance has .* uint16; .* int32"),
        (np.full((2, 2), 77, np.uint8), None, "outside the label space: 77"),
    ],
    ids=["int64", "empty", "sizes", "uint16", "unknown"],
)
def test_a_map_made_by_hand_is_checked(ids, label, instance, message):
    with pytest.raises(DatasetError, match=f"mine: .*{message}|mine: {message}"):
        LabelMap(label, instance, ids, "mine")
