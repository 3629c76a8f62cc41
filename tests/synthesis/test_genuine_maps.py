"""Genuine maps in all their kinds, where OASIS_REAL_DATA names a folder with `cityscapes_sample`."""

import os
from pathlib import Path

import numpy as np
import pytest

from oasis.data import panoptic_ids
from oasis.synthesis import open_label_map

pytestmark = pytest.mark.real_data


@pytest.fixture
def pairs():
    """labelIds and instanceIds of each frame."""
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    found = sorted(Path(os.environ["OASIS_REAL_DATA"], "cityscapes_sample").glob("gtFine/val/*/*_labelIds.png"))
    assert found
    return [(label, label.with_name(label.name.replace("labelIds", "instanceIds"))) for label in found]


def test_every_kind_of_a_genuine_map_is_the_same_map(ids, pairs):
    for label_file, instance_file in pairs:
        both = open_label_map(label_file, instance_file, label_space=ids)
        assert both.remarks == ()
        alone = open_label_map(instance_file, label_space=ids)
        panoptic = open_label_map(panoptic_ids.to_panoptic(both.instance), label_space=ids)
        coco = open_label_map(panoptic_ids.to_coco(both.instance, ()), label_space=ids)
        for other in (alone, panoptic, coco):
            np.testing.assert_array_equal(other.label, both.label)
            np.testing.assert_array_equal(other.instance, both.instance)
        palette = np.array(ids.palette, np.uint8)
        colors = open_label_map(palette[both.label], label_space=ids)
        assert colors.remarks == ("taken for colors",)
        np.testing.assert_array_equal(palette[colors.label], palette[both.label])  # black has five classes
        assert len(both.instance_ids) >= 2
