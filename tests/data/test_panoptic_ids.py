"""Every kind of panoptic map into every other and back; cityscapesscripts' own writer is the reference."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from cityscapesscripts.preparation.createPanopticImgs import convert2panoptic
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from oasis.data import panoptic_files, reading
from oasis.data.panoptic_ids import (
    LEFT_OUT,
    TRAIN_IDS,
    class_ids,
    from_coco,
    from_panoptic,
    segments_info,
    to_coco,
    to_panoptic,
)
from oasis.errors import DatasetError

plain = st.integers(0, 33)
things = st.builds(lambda c, k: c * 1000 + k, st.integers(24, 33), st.integers(0, 998))
maps = arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=plain | things)


@given(maps)
def test_panoptic_ids_and_back(ids):
    panoptic = to_panoptic(ids)
    for y, x in np.ndindex(*ids.shape):  # the definition, pixel by pixel
        value = int(ids[y, x])
        expected = value * 1000 if value < 1000 else (value // 1000) * 1000 + value % 1000 + 1
        assert panoptic[y, x] == expected
        assert panoptic[y, x] // 1000 == class_ids(ids)[y, x] == (value if value < 1000 else value // 1000)
    back = from_panoptic(panoptic)
    assert back.dtype == np.uint16
    assert np.array_equal(back, ids)


@given(arrays(np.int32, (3, 4), elements=st.integers(1000, 65_000)))
def test_panoptic_ids_from_elsewhere_and_back(panoptic):
    assert np.array_equal(to_panoptic(from_panoptic(panoptic)), panoptic)


@given(maps, st.sampled_from([LEFT_OUT, frozenset()]))
def test_coco_and_back(ids, left_out):
    picture, segments = to_coco(ids, left_out), segments_info(ids, left_out)
    expected = np.where(np.isin(class_ids(ids), list(left_out)), 0, ids)
    assert np.array_equal(from_coco(picture, segments), expected)
    assert sum(segment["area"] for segment in segments) == np.count_nonzero(expected)


def test_the_first_thing_and_a_group_of_the_same_class_stay_apart():
    ids = np.array([[26, 26000, 26001]], np.uint16)
    assert to_panoptic(ids).tolist() == [[26000, 26001, 26002]]
    assert [segment["iscrowd"] for segment in segments_info(ids)] == [1, 0, 0]


@pytest.mark.parametrize("train_ids", [False, True])
def test_coco_is_what_cityscapesscripts_writes(tiny, tmp_path, train_ids, capsys):
    convert2panoptic(str(tiny.root / "gtFine"), str(tmp_path), train_ids, ["train"])
    capsys.readouterr()
    stem = "cityscapes_panoptic_train" + ("_trainId" if train_ids else "")
    content = json.loads((tmp_path / f"{stem}.json").read_text())
    segments = panoptic_files.read_segments(tmp_path / f"{stem}.json")
    assert len(segments) == 7
    for entry in content["annotations"]:
        theirs = np.asarray(Image.open(tmp_path / stem / entry["file_name"]))
        ids = reading.read_instance_ids(tiny.instance("train", entry["image_id"]))
        assert np.array_equal(to_coco(ids), theirs)
        if not train_ids:
            assert segments_info(ids) == entry["segments_info"]
        read = from_coco(theirs, segments[entry["file_name"]], TRAIN_IDS if train_ids else None)
        assert (ids[read == 0] == 0).all()  # the only class of these maps that is not evaluated
        assert np.array_equal(read[read > 0], ids[read > 0])
        assert {26000, 26002, 24} <= set(read.flat)  # two cars, numbered with a gap, and a group of persons


def test_coco_of_another_segmenter():
    """Ids in no order, train ids as categories: two cars are numbered as they are listed, the group has no number."""
    ids = np.array([[9, 70_000, 3], [1, 1, 0]])
    picture = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
    entry = {"area": 1, "bbox": [0, 0, 1, 1], "iscrowd": 0}
    segments = [
        {**entry, "id": 70_000, "category_id": 13},
        {**entry, "id": 9, "category_id": 13},
        {**entry, "id": 3, "category_id": 13, "iscrowd": 1},
        {**entry, "id": 1, "category_id": 0},
    ]
    assert from_coco(picture, segments, TRAIN_IDS).tolist() == [[26001, 26000, 26], [7, 7, 0]]


def test_files(tmp_path, tiny):
    ids = reading.read_instance_ids(tiny.instance("train", "town_000000_000019"))
    path = tmp_path / "ids.png"
    panoptic_files.write_ids(path, ids)
    assert np.array_equal(reading.read_instance_ids(path), ids)
    panoptic_files.write_ids(path, to_panoptic(ids))
    assert np.array_equal(panoptic_files.read_panoptic_ids(path), to_panoptic(ids))
    panoptic_files.write_ids(path, class_ids(ids))
    assert np.array_equal(
        reading.read_label_ids(path), reading.read_label_ids(tiny.label("train", "town_000000_000019"))
    )
    panoptic_files.write_coco(path, to_coco(ids))
    assert np.array_equal(panoptic_files.read_coco(path), to_coco(ids))
    panoptic_files.write_segments(tmp_path / "segments.json", {path.name: segments_info(ids)})
    assert panoptic_files.read_segments(tmp_path / "segments.json") == {"ids.png": segments_info(ids)}


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cityscapes_sample", "camvid"])
def test_genuine_maps_come_back_with_identical_pixels(name, tmp_path):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    files = sorted((Path(os.environ["OASIS_REAL_DATA"]) / name).glob("gtFine/*/*/*_instanceIds.png"))
    assert files
    for file in files[:: max(1, len(files) // 6)]:
        ids = reading.read_instance_ids(file)
        assert np.array_equal(from_panoptic(to_panoptic(ids)), ids)
        assert np.array_equal(from_coco(to_coco(ids, ()), segments_info(ids, ())), ids)
        label = Path(str(file).replace("_instanceIds", "_labelIds"))
        assert np.array_equal(class_ids(ids), reading.read_label_ids(label))
        panoptic_files.write_ids(tmp_path / "ids.png", to_panoptic(ids))
        assert np.array_equal(from_panoptic(panoptic_files.read_panoptic_ids(tmp_path / "ids.png")), ids)


# Bad input


def row(*ids):
    return np.array([ids])


@pytest.mark.parametrize(
    ("convert", "ids", "words"),
    [
        (class_ids, row(7, 300, 300), r"ids 300 \(2 pixels\).*instanceIds"),
        (class_ids, row(-1), r"ids -1"),
        (to_panoptic, row(26999), r"26999 \(1 pixels\).*0 to 998"),
        (to_panoptic, row(65536), r"65536"),
        (to_coco, row(70_000), r"70000"),
        (segments_info, row(999), r"999"),
        (from_panoptic, row(-5), r"-5.*class id \* 1000"),
        (from_panoptic, row(256_000), r"256000.*classes 0 to 255"),
        (from_panoptic, row(3), r"ids 3 .*classes 1 to 65"),
        (from_panoptic, row(66_001), r"66001.*16 bits"),
        (class_ids, np.zeros((2, 2, 3), np.uint8), r"\(2, 2, 3\).*COCO"),
        (from_panoptic, np.zeros((2, 2)), r"float64"),
    ],
)
def test_ids_that_mean_nothing(convert, ids, words):
    with pytest.raises(DatasetError, match=words):
        convert(ids)


RED = np.array([[[5, 0, 0]]], np.uint8)


@pytest.mark.parametrize(
    ("picture", "segments", "words"),
    [
        (RED, [], r"ids 5 \(1 pixels\).*segments_info"),
        (RED, [{"id": 5, "category_id": 7}] * 2, "lists id 5 twice"),
        (RED, [{"id": 5, "category_id": 300}], "category_id 300.*class_of"),
        (RED[..., 0], [], r"RGB picture.*\(1, 1\).*from_panoptic"),
        (RED, [{"id": i, "category_id": 26} for i in range(1, 1002)], "no room.*class 26"),
    ],
)
def test_coco_that_cannot_be_read(picture, segments, words):
    with pytest.raises(DatasetError, match=words):
        from_coco(picture, segments)


def test_files_of_another_kind(tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGB", (2, 2)).save(path)
    with pytest.raises(DatasetError, match=r"x\.png: mode RGB.*16-bit"):
        panoptic_files.read_panoptic_ids(path)
    panoptic_files.write_ids(path, row(26001))
    with pytest.raises(DatasetError, match=r"x\.png: mode I;16.*RGB"):
        panoptic_files.read_coco(path)
    with pytest.raises(DatasetError, match=r"x\.png.*70000.*16-bit.*COCO"):
        panoptic_files.write_ids(path, row(70_000))
    Image.fromarray(np.array([[70_000]], np.int32)).save(tmp_path / "x.tif")
    with pytest.raises(DatasetError, match=r"x\.tif: ids up to 70000, but instance ids end at 65535"):
        reading.read_instance_ids(tmp_path / "x.tif")
    for text in ("{", "{}", "[]"):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(DatasetError, match=r"x\.json.*segments_info"):
            panoptic_files.read_segments(tmp_path / "x.json")
    with pytest.raises(DatasetError, match="no such file"):
        panoptic_files.read_segments(tmp_path / "y.json")
