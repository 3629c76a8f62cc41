"""Label spaces of ADE20K and COCO-Stuff."""

import numpy as np
import pytest
import torch

from oasis.errors import DatasetError
from oasis.label_files import generated_palette
from oasis.labels import LabelSpace


def test_ade20k_counts_from_one():
    space = LabelSpace.ade20k()
    assert (space.num_classes, space.names[0], space.ignore_index) == (151, "unknown", 0)
    assert [space.names[i] for i in (1, 3, 13, 21, 100, 127, 150)] == [
        "wall",
        "sky",
        "person",
        "car",
        "buffet",
        "animal",
        "flag",
    ]
    assert space.to_classes(torch.arange(151)).equal(torch.arange(151))
    assert len(space.things) == 100
    assert {"person", "window", "flag"} <= {space.names[i] for i in space.things}
    with pytest.raises(DatasetError, match=r"x\.png: label ids outside.*151 \(1 pixels\)"):
        space.check(np.array([151], np.uint8), "x.png")


def test_coco_stuff_counts_from_zero_and_255_is_unknown():
    space = LabelSpace.coco_stuff()
    assert (space.num_classes, space.names[0], space.ignore_index) == (183, "unknown", 0)
    # Numbers as labels.txt of COCO-Stuff has them: class indices here.
    known = {1: "person", 3: "car", 12: "street sign", 91: "hair brush", 92: "banner", 149: "road", 182: "wood"}
    assert {i: space.names[i] for i in known} == known
    assert space.to_classes(torch.tensor([255, 0, 181])).tolist() == [0, 1, 182]
    assert space.things == frozenset(range(1, 92))
    assert list(space.names[92:]) == sorted(space.names[92:])
    with pytest.raises(DatasetError, match=r"182 \(1 pixels\)"):
        space.check(np.array([182], np.uint8), "x.png")


@pytest.mark.parametrize("name", ["ade20k", "coco_stuff"])
def test_names_and_colours_tell_classes_apart(name):
    space = getattr(LabelSpace, name)()
    assert len(set(space.names)) == len(set(space.palette)) == space.num_classes
    assert space.evaluated == frozenset(range(1, space.num_classes))
    assert all(0 <= channel <= 255 for color in space.palette for channel in color)
    assert all(name == name.strip() and name and "\n" not in name for name in space.names)


def test_colours_are_always_the_same():
    assert generated_palette(4) == ((0, 0, 0), (242, 36, 36), (86, 117, 191), (92, 153, 8))
    assert len(set(generated_palette(512))) == 512
