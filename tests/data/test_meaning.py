"""Ids that would be taken for others in silence: train ids, and palettes that contradict their numbers."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oasis.data import Cityscapes, FileSamples
from oasis.data.files.meaning import TRAIN_IDS, check_label_file, check_label_ids, looks_like_train_ids
from oasis.errors import DatasetError
from oasis.labels import LabelSpace
from oasis.streets import draw_street
from oasis.synthesis import MapKind, open_label_map

RAW_TO_TRAIN = {raw: train for train, raw in TRAIN_IDS.items()}


def as_segmenter(label, void=0):
    """Train ids of every pixel, as an argmax writes them: void pixels are some class too."""
    return np.vectorize(lambda raw: RAW_TO_TRAIN.get(raw, void))(label).astype(np.uint8)


@pytest.fixture(scope="module")
def streets():
    return [draw_street(np.random.SeedSequence(number), 64, 128).label for number in range(20)]


def test_synthetic_streets_are_label_ids_and_their_train_ids_are_noticed(streets, ids):
    for label in streets:
        check_label_ids(label, "street", ids)
        assert looks_like_train_ids(as_segmenter(label))


def test_train_ids_are_refused_unless_they_are_said_to_be(streets, ids):
    trained = as_segmenter(streets[0])
    for space in (ids, LabelSpace.cityscapes_train_ids()):
        with pytest.raises(DatasetError, match=r"label map: its ids, .* look like .*\*train ids\*.*--kind train_ids"):
            open_label_map(trained, label_space=space)
        assert "road" in open_label_map(trained, label_space=space, kind=MapKind.TRAIN_IDS).class_names
    said = open_label_map(trained, label_space=ids, kind=MapKind.LABEL_IDS)  # the user knows better
    np.testing.assert_array_equal(said.label, trained)


def test_other_datasets_may_have_any_ids(streets):
    for space in (LabelSpace.ade20k(), LabelSpace.coco_stuff()):
        check_label_ids(as_segmenter(streets[0]), "room", space)


@pytest.mark.parametrize(
    "shares",
    [
        {0: 60, 1: 20, 2: 5, 3: 15},  # the maps of Cityscapes' test split: nothing is labelled
        {0: 90, 7: 6, 8: 3, 11: 1},  # little is labelled
        {7: 50, 8: 20, 11: 20, 13: 5, 17: 5},  # a narrow lane, of which no sky is seen
        {1: 10, 2: 5, 7: 40, 11: 40, 13: 5},
        {13: 100},
        {0: 50, 13: 50},
        {0: 10, 7: 10, 13: 80},  # a sketch
    ],
)
def test_label_ids_below_19(ids, shares):
    label = np.repeat(np.array([*shares], np.uint8), [*shares.values()]).reshape(10, 10)
    check_label_ids(label, "map", ids)


def test_a_palette_of_other_classes_is_no_map_of_numbers(tmp_path, ids):
    numbers = np.array([[0, 1], [2, 3]], np.uint8)
    picture = Image.frombytes("P", (2, 2), numbers.tobytes())
    for raw, fine in (([7, 11, 23, 26], False), ([0, 1, 2, 3], True)):
        picture.putpalette(np.array([ids.palette[one] for one in raw], np.uint8).tobytes())
        picture.save(tmp_path / "map.png")
        if fine:
            check_label_file(numbers, tmp_path / "map.png", ids)
        else:
            with pytest.raises(DatasetError, match=r"map\.png: mode P, whose colours are those of classes.*convert"):
                check_label_file(numbers, tmp_path / "map.png", ids)
        read = open_label_map(tmp_path / "map.png", label_space=ids).label
        np.testing.assert_array_equal(read, np.array(raw).reshape(2, 2))


def test_void_colors_count_in_training_as_in_generating(tmp_path):
    """A car and a caravan, which is void in train ids but has a colour of its own."""
    space, every = LabelSpace.cityscapes_train_ids(), LabelSpace.cityscapes_ids()
    for numbers, fine in (([26, 29], True), ([7, 11], False)):
        picture = Image.frombytes("P", (2, 1), bytes(numbers))
        palette = np.full((256, 3), 77, np.uint8)
        palette[numbers] = [every.palette[every.raw_to_class[raw]] for raw in (26, 29)]
        picture.putpalette(palette.tobytes())
        picture.save(tmp_path / "map.png")
        label = np.array([numbers], np.uint8)
        if fine:
            check_label_file(label, tmp_path / "map.png", space)
        else:
            with pytest.raises(DatasetError, match=r"map\.png: mode P, whose colours are those of classes"):
                check_label_file(label, tmp_path / "map.png", space)
        np.testing.assert_array_equal(open_label_map(tmp_path / "map.png", label_space=space).label, [[26, 29]])


def test_a_map_that_is_no_picture_is_checked_too(tmp_path, ids):
    (tmp_path / "map.npy").write_bytes(b"numbers")
    check_label_file(np.full((2, 2), 7, np.uint8), tmp_path / "map.npy", ids)
    with pytest.raises(DatasetError, match=r"map\.npy: label ids outside the label space: 77"):
        check_label_file(np.full((2, 2), 77, np.uint8), tmp_path / "map.npy", ids)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cityscapes_sample", "camvid"])
def test_genuine_maps_are_label_ids_and_their_train_ids_are_noticed(name, ids):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    source = Cityscapes(Path(os.environ["OASIS_REAL_DATA"]) / name)
    noticed, count = 0, 0
    for split in ("train", "val"):
        for files in FileSamples(source, split, ids).files:
            label = source.read_label(files.label)
            check_label_file(label, files.label, ids)
            noticed += looks_like_train_ids(as_segmenter(label[::4, ::4]))
            count += 1
    assert noticed >= 0.98 * count, (noticed, count)
