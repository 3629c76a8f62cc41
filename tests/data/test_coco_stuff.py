import os
from pathlib import Path

import numpy as np
import pytest
from layouts import each, write_coco_stuff
from PIL import Image

from oasis.data import COCOStuff, FileSamples
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

SPACE = LabelSpace.coco_stuff()
RAW = np.array([157, 2, 0])  # sky, car, person


def read(root, split="train", **settings):
    return FileSamples(COCOStuff(root), split, SPACE, 32, 64, **settings)


@pytest.mark.parametrize("spade", [True, False], ids=["spade", "downloaded"])
def test_a_sample_is_what_was_drawn(tmp_path, spade):
    write_coco_stuff(tmp_path, spade=spade)
    drawn = [one for one in each() if one[0] == "train"]
    for sample, (_, name, kind, number, _photo) in zip(read(tmp_path), drawn, strict=True):
        assert sample["name"] == name
        assert np.array_equal(sample["label"], RAW[kind])
        cars = np.where(number, 2_000 + 3 + number.astype(int), RAW[kind])
        assert np.array_equal(sample["instance"], cars if spade else np.zeros_like(cars))


def test_the_download_has_no_instances(tmp_path):
    write_coco_stuff(tmp_path, spade=False)
    with pytest.raises(DatasetError, match=r"3 of 3 files have no instance map.*semantic"):
        read(tmp_path, needs_instances=True)


def test_numbers_of_spade_worked_by_hand():
    """A copy of the label map over which four things were painted: two persons, a dog and a car.

    Person is 0, bicycle 1, car 2, dog 17, tree 168; 255 is unlabelled.
    """
    label = np.array(
        [
            [168, 0, 0, 0, 0, 255],
            [168, 17, 17, 2, 2, 255],
            [1, 1, 0, 17, 168, 2],
        ],
        np.uint8,
    )
    painted = np.array(
        [
            [168, 1, 1, 3, 3, 255],  # the persons are the things 1 and 3
            [1, 1, 2, 0, 0, 3],  # 1 hangs over tree and dog, the dog is 2, the car 0, and 3 hangs over unlabelled
            [1, 1, 0, 17, 2, 2],  # unpainted bicycles, a person and a dog: groups; 2 over tree; an unpainted car
        ],
        np.int32,
    )
    assert COCOStuff(".").instance_ids(label, painted, SPACE).tolist() == [
        [168, 256_001, 256_001, 256_003, 256_003, 255],  # class 0 stands as 256
        [168, 17001, 17002, 2000, 2000, 255],
        [1, 1, 0, 17, 168, 2],
    ]


def test_spades_layout_needs_its_label_folder(tmp_path):
    write_coco_stuff(tmp_path)
    (tmp_path / "train_label").rename(tmp_path / "labels")
    assert COCOStuff(tmp_path).splits() == ["val"]
    with pytest.raises(DatasetError, match=r"split 'train'.*train_img or .*train_label does not exist"):
        COCOStuff(tmp_path).listing("train")


def test_an_instance_map_of_16_bits(tmp_path):
    write_coco_stuff(tmp_path)
    path = tmp_path / "train_inst" / "train_0000.png"
    Image.fromarray(np.full((32, 64), 17001, np.uint16)).save(path)
    with pytest.raises(DatasetError, match=r"train_0000\.png: ids up to 17001, but label ids end at 255"):
        read(tmp_path)[0]


@pytest.mark.real_data
def test_genuine_instances():
    """The individuals of one photo: whatever differs from the label map, counted by sets of pairs."""
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    root = Path(os.environ["OASIS_REAL_DATA"]) / "coco_stuff_sample"
    things = [raw for raw, index in enumerate(SPACE.raw_to_class) if index in SPACE.things]
    total = 0
    for split in ("train", "val"):
        for files, sample in zip((samples := read(root, split)).files, samples, strict=True):
            label, number = (np.asarray(Image.open(path)) for path in (files.label, files.instance))
            pairs = {(a, b) for a, b in zip(label.flat, number.flat, strict=True) if a in things and a != b}
            found = samples.dataset.instance_ids(label, samples.dataset.read_instance(files.instance), SPACE)
            assert {(i // 1000 % 256, i % 1000) for i in np.unique(found).tolist() if i >= 1000} == pairs
            assert sample["name"] == files.photo.stem
            total += len(pairs)
    assert total > 50
