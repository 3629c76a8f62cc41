"""The label map and the instance map of a sample must be consistent."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from oasis.data import Cityscapes, FileSamples, LabelMapDataModule
from oasis.data.consistency import Maps, OnInconsistentIds, consistent_label
from oasis.data.inspection import Inspection
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError
from oasis.instances import MAX_INSTANCES
from oasis.labels import LabelSpace

FIRST = "town_000000_000019"
TRUST = OnInconsistentIds.TRUST_INSTANCES
FILES = Path("a_labelIds.png"), Path("a_instanceIds.png")


def edited(path, edit):
    """Change the pixels of a picture in place; returns them."""
    pixels = np.array(Image.open(path))
    edit(pixels)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture
def mismatched(tiny):
    """A dataset in whose first label map four pixels of a car have become road."""
    instance = np.asarray(Image.open(tiny.instance("train", FIRST)))
    where = tuple(axis[:4] for axis in np.nonzero(instance == 26002))

    def edit(label):
        label[where] = 7

    edited(tiny.label("train", FIRST), edit)
    return tiny


def test_a_thing_pixel_of_another_class_is_an_error_that_names_both_files(mismatched, ids):
    dataset = FileSamples(Cityscapes(mismatched.root), "train", ids, 8, 16)  # resizing would hide the four pixels
    words = (
        rf"{FIRST}_gtFine_instanceIds.png: 4 thing pixels.*{FIRST}_gtFine_labelIds.png.*26002 on label id 7 \(road, 4"
    )
    with pytest.raises(DatasetError, match=words + r".*data\.on_inconsistent_ids=trust_instances"):
        dataset[0]
    assert dataset[1]["name"] != FIRST


def test_or_the_instance_map_is_trusted(mismatched, ids):
    dataset = FileSamples(Cityscapes(mismatched.root), "train", ids, 64, 128, on_inconsistent_ids="trust_instances")
    sample = dataset[0]
    things = sample["instance"] >= 1000
    assert (sample["label"][things] == sample["instance"][things] // 1000).all()
    untouched = np.asarray(Image.open(mismatched.label("train", FIRST)))
    assert np.array_equal(sample["label"][~things], untouched[~things.numpy()])


def test_the_data_module_hands_the_policy_on(mismatched, ids):
    def first(**policy):
        module = LabelMapDataModule(Cityscapes(mismatched.root), Semantic(ids), ids, height=64, width=128, **policy)
        return module.dataset("train")[0]

    assert (first(on_inconsistent_ids="trust_instances")["label"] == 26).sum() == 16 * 40
    with pytest.raises(DatasetError, match="4 thing pixels"):
        first()


@given(
    arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 7, 24, 26])),
    arrays(np.int32, (4, 5), elements=st.sampled_from([0, 7, 24, 26, 24000, 26000, 26001, 33999])),
)
def test_every_thing_pixel_is_judged(label, instance):
    space = LabelSpace.cityscapes_ids()
    maps = Maps(label, instance, *FILES)
    if (instance < 1000).all() and ((instance > 0) & (instance != label) & np.isin(label, (24, 26))).any():
        with pytest.raises(DatasetError, match="no id is 1000 or more"):
            consistent_label(maps, space, TRUST)
        return
    expected, wrong = label.copy(), 0
    for y, x in np.ndindex(4, 5):
        if instance[y, x] >= 1000 and instance[y, x] // 1000 != label[y, x]:
            expected[y, x] = instance[y, x] // 1000
            wrong += 1
    trusted = consistent_label(maps, space, TRUST)
    assert trusted.dtype == np.uint8
    assert np.array_equal(trusted, expected)
    if wrong:
        with pytest.raises(DatasetError, match=f": {wrong} thing pixels"):
            consistent_label(maps, space, OnInconsistentIds.ERROR)
    else:
        assert consistent_label(maps, space, OnInconsistentIds.ERROR) is label


@pytest.mark.parametrize("policy", list(OnInconsistentIds))
def test_mere_numbers_are_no_instance_ids(tiny, ids, policy):
    """They have no instance by the rules of Cityscapes, so that all would be lost in silence."""

    def number(instance):
        things = np.unique(instance[instance >= 1000])
        numbers = np.searchsorted(things, instance) + 1
        instance[...] = np.where(instance >= 1000, numbers, 0)

    edited(tiny.instance("train", FIRST), number)
    words = (
        rf"{FIRST}_gtFine_instanceIds.png: no id is 1000 or more.*{FIRST}_gtFine_labelIds.png: .*instance_format=numb"
    )
    dataset = FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64, on_inconsistent_ids=policy)
    with pytest.raises(DatasetError, match=words):
        dataset[0]
    finding = Inspection(dataset.dataset, dataset.files, ids, policy)[0]
    assert [fault.kind for fault in finding.faults] == ["label and instance map disagree"]
    assert "--instance-format numbers" in finding.faults[0].reason


def test_maps_without_any_instance_pass(ids):
    """Void, stuff and a group region have their class ids in genuine maps; 0 is nothing in those of other programs."""
    label = np.array([[0, 4, 7, 7, 26]], np.uint8)
    for plain in (label, np.zeros_like(label), np.array([[9, 9, 9, 9, 0]])):
        maps = Maps(label, plain.astype(np.int32), *FILES)
        assert consistent_label(maps, ids, OnInconsistentIds.ERROR) is label


@pytest.mark.parametrize("policy", list(OnInconsistentIds))
@pytest.mark.parametrize("stray", [7003, 50003, 65535])
def test_instances_of_classes_that_have_none(tiny, ids, policy, stray):
    def edit(instance):
        instance[0, :3] = stray

    edited(tiny.instance("train", FIRST), edit)
    dataset = FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64, on_inconsistent_ids=policy)
    with pytest.raises(
        DatasetError,
        match=rf"instanceIds.png.*{stray} \(3 pixels\).*24, 25.*33 have.*convert IN OUT --from panoptic_ids",
    ):
        dataset[0]


def test_caravans_are_void_in_train_ids_and_pass():
    label, instance = np.full((2, 2), 29, np.uint8), np.full((2, 2), 29001, np.int32)
    space = LabelSpace.cityscapes_train_ids()
    assert consistent_label(Maps(label, instance, *FILES), space, OnInconsistentIds.ERROR) is label


def test_things_of_class_0_stand_as_256():
    classes = [{"name": "person", "ids": [0], "thing": True}, {"name": "void", "ids": [255]}]
    space = LabelSpace.from_classes(classes, ignore="void")
    label, instance = np.array([[0, 0, 255, 0]], np.uint8), np.array([[256_000, 256_007, 255, 0]], np.int32)
    assert consistent_label(Maps(label, instance, *FILES), space, OnInconsistentIds.ERROR) is label
    wrong = Maps(np.full_like(label, 255), instance, *FILES)
    assert consistent_label(wrong, space, TRUST).tolist() == [[0, 0, 255, 255]]
    beyond = Maps(label, instance + 1000, *FILES)
    with pytest.raises(DatasetError, match=r"instance ids outside the label space: .*257000 \(1 pixels\)"):
        consistent_label(beyond, space, TRUST)


@pytest.mark.parametrize("excess", [0, 1])
def test_more_instances_than_there_is_room_for(ids, excess):
    numbers = [c * 1000 + k for c in (24, 26) for k in range(600)][: MAX_INSTANCES + excess]
    instance = np.array([numbers], np.int32)
    maps = Maps((instance // 1000).astype(np.uint8), instance, *FILES)
    if excess:
        with pytest.raises(DatasetError, match=rf"a_instanceIds.png: {MAX_INSTANCES + 1} instances.*{MAX_INSTANCES}"):
            consistent_label(maps, ids, TRUST)
    else:
        assert consistent_label(maps, ids, TRUST) is maps.label


def test_no_such_policy(tiny, ids):
    with pytest.raises(ConfigurationError, match=r"on_inconsistent_ids=ignore.*error, trust_instances"):
        FileSamples(Cityscapes(tiny.root), "train", ids, on_inconsistent_ids="ignore")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cityscapes_sample", "camvid"])
def test_genuine_maps_agree(name, ids):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    for split in ("train", "val"):
        dataset = FileSamples(Cityscapes(Path(os.environ["OASIS_REAL_DATA"]) / name), split, ids, 32, 64)
        for i in range(0, len(dataset), max(1, len(dataset) // 20)):
            assert dataset[i]["name"]
