import json
import os
from pathlib import Path

import numpy as np
import pytest
from layouts import each, panoptic_classes, write_coco_panoptic
from PIL import Image

from oasis.data import COCOPanoptic, FileSamples
from oasis.data.cache import Container
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace

SPACE = LabelSpace.from_classes(**panoptic_classes())


@pytest.fixture
def root(tmp_path):
    return write_coco_panoptic(tmp_path)


def read(root, split="train", space=SPACE):
    return FileSamples(COCOPanoptic(root), split, space, 32, 64)


def edited(root, edit):
    """Change the entry of the second training picture in the JSON."""
    path = root / "annotations" / "panoptic_train2017.json"
    content = json.loads(path.read_text())
    edit(content["annotations"][1]["segments_info"])
    path.write_text(json.dumps(content))


def test_a_sample_is_what_was_drawn(root):
    drawn = [one for one in each() if one[0] == "train"]
    for sample, (_, name, kind, number, _photo) in zip(read(root), drawn, strict=True):
        label = np.array([187, 3, 1])[kind]  # sky, car, a crowd of persons
        label[:2, :2] = 0
        assert sample["name"] == name
        assert np.array_equal(sample["label"], label)
        # 70002 comes before 70001 in segments_info, so the second car is number 0
        assert np.array_equal(sample["instance"], np.where(number, 3_002 - number.astype(int), label))


def test_a_segment_of_stuff_is_no_instance(root):
    classes = panoptic_classes()["classes"]
    without_cars = LabelSpace.from_classes([{**one, "thing": False} for one in classes], ignore="void")
    sample = read(root, space=without_cars)[0]
    assert sample["instance"].max() == 187
    assert np.array_equal(sample["instance"], sample["label"])


def test_a_json_without_areas_is_read(root):
    before = read(root)[1]["instance"]
    edited(root, lambda segments: [one.pop("area") for one in segments])
    assert np.array_equal(read(root)[1]["instance"], before)


def test_another_json_makes_cached_samples_invalid(root, tmp_path):
    container, fingerprint = Container(read(root), tmp_path / "cache"), read(root).fingerprint()
    edited(root, lambda segments: segments.reverse())
    assert Container(read(root), tmp_path / "cache").index != container.index
    assert read(root).fingerprint() != fingerprint


def removed(segments):
    del segments[0]


def added(segments):
    segments.append({"id": 99, "category_id": 3, "area": 4, "iscrowd": 0})


def grown(segments):
    segments[0]["area"] += 1


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (removed, r"ids without a segment in .*panoptic_train2017\.json: 70002\. .*restore"),
        (added, r"no pixels of segments in .*panoptic_train2017\.json: 99\. "),
        (grown, r"segment 70002 has 80 pixels, but area 81 in .*json; 1 segments differ"),
    ],
)
def test_a_json_that_does_not_match_its_picture(root, edit, words):
    edited(root, edit)
    samples = read(root)
    assert samples[0]["name"] == "train_0000"
    with pytest.raises(DatasetError, match=rf"panoptic_train2017.train_0001\.png: {words}"):
        samples[1]


def twice(segments):
    segments.append(segments[0])


def unknown(segments):
    segments[0]["category_id"] = 4


def too_high(segments):
    segments[0]["id"] = 2**24


def nameless(segments):
    del segments[0]["id"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (twice, r"train_0001\.png lists id 70002 twice"),
        (unknown, r"train_0001\.png has category_id 4, which is not among the 3 `categories`"),
        (too_high, r"train_0001\.png: ids 0 to 16777216, not 1 to 16777215"),
        (nameless, r"not the JSON of a COCO panoptic dataset.*KeyError: 'id'"),
    ],
)
def test_an_invalid_json(root, edit, words):
    edited(root, edit)
    with pytest.raises(DatasetError, match=rf"panoptic_train2017\.json: .*{words}"):
        read(root)


def test_no_json_and_one_of_other_pictures(root):
    path = root / "annotations" / "panoptic_train2017.json"
    path.write_text((root / "annotations" / "panoptic_val2017.json").read_text())
    with pytest.raises(DatasetError, match=r"train2017\.json does not describe 3 of 3 maps, first .*train_0000\.png"):
        read(root)
    path.unlink()
    with pytest.raises(DatasetError, match=r"train2017\.json: cannot be read \(No such file.*comes with the maps"):
        read(root)


def test_categories_of_ones_own_may_have_the_names_of_coco(root):
    """The layout is that of many datasets: what a number means, says the JSON."""
    for path in (root / "annotations").glob("*.json"):
        content = json.loads(path.read_text())
        content["categories"] = [{"id": 24, "name": "person"}, {"id": 26, "name": "car"}, {"id": 23, "name": "sky"}]
        numbers = {1: 24, 3: 26, 187: 23}
        for segment in (segment for one in content["annotations"] for segment in one["segments_info"]):
            segment["category_id"] = numbers[segment["category_id"]]
        path.write_text(json.dumps(content))
    assert set(np.unique(read(root, space=LabelSpace.cityscapes_ids())[0]["label"])) == {0, 23, 24, 26}
    with pytest.raises(
        ConfigurationError, match=r"panoptic_\w+2017\.json: 'person' is 24 in label maps, but 1 in the lab"
    ):
        read(root, space=LabelSpace.built_in("coco_panoptic"))


def test_a_grey_map(root):
    Image.new("L", (64, 32)).save(root / "annotations" / "panoptic_train2017" / "train_0001.png")
    with pytest.raises(DatasetError, match=r"train_0001.png: mode L, but a COCO panoptic map.*RGB"):
        read(root)


@pytest.mark.real_data
@pytest.mark.parametrize("split", ["train", "val"])
def test_genuine_maps(split):
    """Compared with a loop over `segments_info`."""
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    root = Path(os.environ["OASIS_REAL_DATA"]) / "coco_panoptic_sample"
    content = json.loads((root / "annotations" / f"panoptic_{split}2017.json").read_text())
    space = LabelSpace.from_classes(**panoptic_classes(content["categories"]))
    things = {one["id"] for one in content["categories"] if one["isthing"]}
    samples = read(root, split, space)
    files, dataset = samples.files[0], samples.dataset
    colors = np.asarray(Image.open(files.label)).astype(int)
    ids = colors[..., 0] + 256 * colors[..., 1] + 65536 * colors[..., 2]
    label, instance = np.zeros_like(ids), np.zeros_like(ids)
    count = dict.fromkeys(things, 0)
    for segment in content["annotations"][0]["segments_info"]:
        mask, category = ids == segment["id"], segment["category_id"]
        label[mask] = instance[mask] = category
        if category in things and not segment["iscrowd"]:
            instance[mask] = category * 1000 + count[category]
            count[category] += 1
    found = dataset.read_label(files.label)
    assert np.array_equal(found, label)
    assert np.array_equal(dataset.instance_ids(found, dataset.read_instance(files.instance), space), instance)
    assert sum(count.values()) > 10
    assert samples[0]["label"].shape == (32, 64)
