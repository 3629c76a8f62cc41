"""Genuine maps in all their kinds, where OASIS_REAL_DATA names a folder with `cityscapes_sample`."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from panoptic_maps import to_coco, to_panoptic
from PIL import Image

from oasis.data.panoptic.class_names import MERGED
from oasis.labels import LabelSpace
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
        panoptic = open_label_map(to_panoptic(both.instance), label_space=ids)
        coco = open_label_map(to_coco(both.instance, ()), label_space=ids)
        for other in (alone, panoptic, coco):
            np.testing.assert_array_equal(other.label, both.label)
            np.testing.assert_array_equal(other.instance, both.instance)
        palette = np.array(ids.palette, np.uint8)
        colors = open_label_map(palette[both.label], label_space=ids)
        assert colors.remarks == ("taken for colors",)
        np.testing.assert_array_equal(palette[colors.label], palette[both.label])  # black has five classes
        assert len(both.instance_ids) >= 2


def test_coco_panoptic_is_mapped_by_name_to_coco_stuff():
    """Person is person though its number differs, nothing is void, merged classes are what they were merged from."""
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    space = LabelSpace.coco_stuff()
    folder = Path(os.environ["OASIS_REAL_DATA"], "coco_panoptic_sample", "annotations")
    for file in folder.glob("*/*.png"):
        content = json.loads(file.parent.with_suffix(".json").read_text())
        found = open_label_map(file, label_space=space)
        own = {category["id"]: category["name"] for category in content["categories"]}
        names = {i: MERGED[name][0] if name in MERGED else name for i, name in own.items()}
        (listed,) = [each for each in content["annotations"] if each["file_name"] == file.name]
        ids = np.asarray(Image.open(file)).astype(int) @ [1, 256, 65536]
        expected = {segment["id"]: names[segment["category_id"]] for segment in listed["segments_info"]} | {
            0: "unknown"
        }
        for segment, name in expected.items():
            assert {space.names[i] for i in np.unique(found.class_indices[ids == segment])} <= {name}
        singles = [s for s in listed["segments_info"] if s["category_id"] <= 90 and not s["iscrowd"]]
        assert len(found.instance_ids) == len(singles) > 3
        for segment in singles:  # persons, raw id 0, among them
            (instance,) = np.unique(found.instance[ids == segment["id"]])
            assert np.array_equal(found.instance_mask(instance), ids == segment["id"])
        assert found.remarks == ("taken for coco_panoptic",)
