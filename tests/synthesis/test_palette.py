"""Colour maps that are not quite clean."""

import numpy as np
import pytest
from PIL import Image

from oasis.errors import DatasetError
from oasis.labels import LabelSpace
from oasis.synthesis import open_label_map
from oasis.synthesis.palette import Palette


def test_every_class_of_cityscapes_comes_back_from_its_color():
    for space in (LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()):
        for index, color in enumerate(space.palette):
            raws = [raw for raw, c in enumerate(space.raw_to_class) if c == index]
            sharing = [raw for raw, c in enumerate(space.raw_to_class) if c >= 0 and space.palette[c] == color]
            if raws:
                found = open_label_map(np.array([[color]], np.uint8), label_space=space).label[0, 0]
                assert found == min(sharing), (space.names[index], color)


def test_blurred_edges_are_filled_from_beside(street, ids):
    large = np.kron(street.label, np.ones((6, 6), np.uint8))
    clean = np.kron(street.colors(ids), np.ones((6, 6, 1), np.uint8))
    height, width = large.shape
    blurred = Image.fromarray(clean).resize((width + 7, height + 5), Image.Resampling.BILINEAR)
    found = open_label_map(blurred, label_space=ids)
    expected = np.asarray(Image.fromarray(large).resize((width + 7, height + 5), Image.Resampling.NEAREST))
    assert (found.label != expected).mean() < 0.02  # blends of two classes have no right answer
    assert set(np.unique(found.label)) == set(np.unique(large))  # but never a third
    assert "pixels of unknown colours, filled from their neighbours" in found.remarks[1]
    unknown = (~Palette.of(ids).known(np.asarray(blurred))).sum()
    assert found.remarks[1].startswith(f"{unknown} pixels")


def test_colors_that_hardly_differ_are_taken_for_the_nearest(street, ids):
    colors = street.colors(ids)
    colors[street.label == 26] += np.array([2, 1, 3], np.uint8)
    found = open_label_map(colors, label_space=ids)
    np.testing.assert_array_equal(found.label, street.label)
    count = (street.label == 26).sum()
    assert found.remarks[1] == (
        f"{count} pixels of unknown colours, taken for the nearest colour: "
        f"#020191 ({count} pixels, nearest car #00008e)"
    )


def test_a_photo_is_refused_with_the_colors_that_are_most_frequent(ids):
    photo = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    photo[:3] = (255, 0, 255)
    with pytest.raises(DatasetError, match=r"100% of the pixels.*#ff00ff \(120 pixels, nearest \w+.*Is it a photo"):
        open_label_map(photo, label_space=ids)


def test_the_share_that_is_refused(ids):
    colors = np.full((10, 10, 3), ids.palette[7], np.uint8)
    colors[:2] = (1, 255, 1)
    assert (open_label_map(colors, label_space=ids).label == 7).all()
    colors[2, 0] = (1, 255, 1)
    with pytest.raises(DatasetError, match="21% of the pixels have colours that are not in the palette"):
        open_label_map(colors, label_space=ids)
