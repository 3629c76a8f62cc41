"""Invalid maps: read, or refused with a helpful message."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from oasis.data.instance_maps import INSTANCE_FORMATS
from oasis.errors import DatasetError
from oasis.synthesis import MapKind, open_label_map

LABEL = np.full((4, 6), 7, np.uint8)
WRONG_ARRAYS = {
    "floats": (np.full((2, 2), 7.0), r"float64; ids are integers: .*astype\(np.int32\)"),
    "nan": (np.array([[7.0, np.nan]]), "ids are integers: it holds NaN"),
    "bool": (np.ones((2, 2), bool), "bool; ids are integers"),
    "negative": (np.array([[7, -1], [-1, 0]]), "2 pixels are negative, the lowest -1.*license plates"),
    "batched": (LABEL[None], r"shape \(1, 4, 6\).* one map at a time"),
    "flat": (LABEL[0], r"shape \(6,\)"),
    "empty": (LABEL[:0], "it is empty"),
    "two channels": (np.zeros((4, 6, 2), np.uint8), r"shape \(4, 6, 2\)"),
    "bright": (np.full((2, 2, 3), 999), "values up to 999; colours are RGB"),
    "huge": (np.array([[2**40]]), "no map of ids goes that far"),
    "unknown ids": (np.array([[7, 77]]), r"label ids outside the label space: 77 \(1 pixels\)"),
    "between": (np.array([[7, 500]]), "label map: read as instance_ids: .*500"),
    "of two kinds": (np.array([[7, 26001, 7000]]), "neither instanceIds.*here is 7000, nor panoptic ids.*here is 7"),
    "transparent": (np.zeros((2, 2, 4), np.uint8), "4 pixels are transparent"),
    "text": ("no array", r"no array: not a picture|no array: no such file"),
    "none": (None, "a NoneType is no map"),
    "too many individuals": (
        np.concatenate([np.arange(26000, 27000), np.arange(24000, 24100)])[None],
        "1100 instances, more than the 1023",
    ),
}


@pytest.mark.parametrize("name", WRONG_ARRAYS)
def test_arrays_that_are_no_map(ids, name):
    given, message = WRONG_ARRAYS[name]
    with pytest.raises(DatasetError, match=message):
        open_label_map(given, label_space=ids)


@pytest.mark.parametrize(
    ("mode", "message"),
    [("1", "mode 1, which no label map has"), ("F", "mode F"), ("CMYK", "mode CMYK")],
)
def test_pictures_of_modes_that_hold_no_ids(ids, mode, message):
    picture = Image.new(mode, (4, 4))
    with pytest.raises(DatasetError, match=f"label map: a picture of {message}"):
        open_label_map(picture, label_space=ids)


CONTENTS = {
    "empty": (b"", "an empty file"),
    "text": (b"<svg onload='alert(1)'/>", "none of PNG, JPEG"),
    "torn": (None, "map.png"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_files_that_are_no_picture(ids, tmp_path, write, name):
    content, message = CONTENTS[name]
    path = write("map.png", np.random.default_rng(0).integers(0, 33, (64, 64)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:700] if content is None else content)
    with pytest.raises(DatasetError, match=message):
        open_label_map(path, label_space=ids)
    with pytest.raises(DatasetError, match="no such file"):
        open_label_map(tmp_path / "nothing.png", label_space=ids)


def test_a_jpeg_is_refused(ids, tmp_path):
    Image.fromarray(LABEL).save(tmp_path / "map.jpg")
    for given in (tmp_path / "map.jpg", Image.open(tmp_path / "map.jpg")):
        with pytest.raises(DatasetError, match="a JPEG, which keeps neither ids nor colours exactly"):
            open_label_map(given, label_space=ids)


def test_a_bomb_is_not_decoded(ids, tmp_path, write):
    genuine = bytearray(write("bomb.png", LABEL).read_bytes())
    genuine[16:24] = struct.pack(">II", 100_000, 100_000)
    genuine[29:33] = struct.pack(">I", zlib.crc32(genuine[12:29]))
    (tmp_path / "bomb.png").write_bytes(genuine)
    with pytest.raises(DatasetError, match=r"bomb\.png: more than \d+ pixels, and it was not decoded"):
        open_label_map(tmp_path / "bomb.png", label_space=ids)
    for given in (LABEL, Image.fromarray(LABEL)):
        with pytest.raises(DatasetError, match="label map: more than 23 pixels"):
            open_label_map(given, label_space=ids, max_pixels=23)
        assert open_label_map(given, label_space=ids, max_pixels=24).height == 4


def test_maps_of_two_sizes(ids, street):
    with pytest.raises(DatasetError, match=r"instance map is 128x16 but label map is 128x32"):
        open_label_map(street.label, street.instance[:16], label_space=ids)


def test_maps_that_contradict_each_other(ids, street):
    street.label[street.instance == 26002] = 7
    count = int((street.instance == 26002).sum())
    with pytest.raises(
        DatasetError,
        match=rf"instance map: {count} thing pixels have another class in label map: instance 26002 on label id 7 "
        rf"\(road, {count} pixels\).*the instance map alone also says which class",
    ):
        open_label_map(street.label, street.instance, label_space=ids)


def test_mere_numbers_of_objects_are_no_instance_ids(ids, street, write):
    """They would be things without instances, in silence."""
    numbers = np.zeros_like(street.instance)
    for number, instance in enumerate((26000, 26002, 24001), 1):
        numbers[street.instance == instance] = number
    label, file = write("a_labelIds.png", street.label), write("numbers.png", numbers)
    for given in (numbers, file):
        with pytest.raises(
            DatasetError,
            match=r"no id is 1000 or more.* 1 on label id 26 \(car, 96 pixels\).*--instance-format numbers",
        ):
            open_label_map(label, given, label_space=ids)
    found = open_label_map(label, file, label_space=ids, instance_format=INSTANCE_FORMATS["numbers"])
    assert found.instance_ids == (24000, 26000, 26001)


@pytest.mark.parametrize("plain", ["class ids", "zeros"])
def test_a_picture_may_have_no_instance(ids, street, plain):
    """With class ids or nothing in its instance map; the person is a group region."""
    label = np.where(street.label == 26, 7, street.label).astype(np.uint8)
    instance = label.astype(np.int32) if plain == "class ids" else np.zeros_like(street.instance)
    assert open_label_map(label, instance, label_space=ids).instance_ids == ()


def test_an_instance_map_in_colors_names_nobody(ids, street):
    with pytest.raises(DatasetError, match="instance map: a map in colours, which has no instances"):
        open_label_map(street.label, street.colors(ids), label_space=ids)


def test_an_instance_of_a_class_without_any(ids):
    with pytest.raises(DatasetError, match=r"instance map: neither instanceIds.* here is 7001"):
        open_label_map(np.array([[7, 23]]), np.array([[7001, 23]]), label_space=ids)


@pytest.mark.parametrize(
    ("kind", "pixels", "message"),
    [
        (MapKind.LABEL_IDS, np.array([[26001]]), "ids up to 26001, but label ids end at 255"),
        (
            MapKind.LABEL_IDS,
            np.array([[[9, 0, 0]]], np.uint8),
            r"pixels are RGB, but a map of kind=label_ids has numbers",
        ),
        (MapKind.COLORS, LABEL, r"pixels are numbers \(H, W\), but a map of kind=colors has RGB"),
        (MapKind.COCO_PANOPTIC, np.full((2, 2, 3), 200, np.uint8), "needs the list that says what its ids are"),
        (MapKind.PANOPTIC_IDS, np.array([[26001, 999_000]]), "read as panoptic_ids: .*999000"),
    ],
    ids=["individuals", "colours", "numbers", "no list", "high class"],
)
def test_a_kind_that_is_said_has_to_be_right(ids, kind, pixels, message):
    with pytest.raises(DatasetError, match=message):
        open_label_map(pixels, label_space=ids, kind=kind)


def test_a_coco_list_of_another_picture(ids, street):
    with pytest.raises(DatasetError, match=r"label map: ids without a segment in segments_info"):
        open_label_map(street.colors(ids), label_space=ids, segments=[])
    for entry in ({"id": 7}, {"id": "7", "category_id": 7}, 7):
        with pytest.raises(DatasetError, match=r"label map: segments_info whose entries are not .*category_id"):
            open_label_map(street.colors(ids), label_space=ids, segments=[entry])
