"""Maps of one label space for models of another."""

import numpy as np
import pytest
from panoptic_maps import write_json

from oasis.data.panoptic.class_names import MERGED
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap, MapKind, open_label_map
from oasis.synthesis.translation import translated

COCO, STUFF = LabelSpace.built_in("coco_panoptic"), LabelSpace.coco_stuff()
NOTHING, PERSON, BICYCLE, CAR, BANANA, TREE, WALL_BRICK = 0, 1, 2, 3, 52, 184, 171  # of COCO panoptic


def made(*classes, things=()):
    """A label space of these (name, raw ids)."""
    listed = [{"name": name, "ids": list(ids), "thing": name in things} for name, *ids in classes]
    return LabelSpace.from_classes(listed, ignore=classes[0][0])


def test_train_ids_see_the_same_map_and_count_no_void_things(street, ids):
    street.add(29, 29000, 0, 40)  # a caravan, void among train ids
    seen = translated(LabelMap(street.label, street.instance, ids), LabelSpace.cityscapes_train_ids())
    assert seen.class_names == ("road", "sky", "person", "car", "void")
    assert 29000 not in seen.instance_ids
    assert seen.segment_at(0, 40).instance_id is None


def test_void_things_become_what_they_are_again(street, ids):
    """A caravan is void among train ids, and a caravan to a model of all ids."""
    street.add(29, 29000, 0, 40)
    trained = LabelMap(street.label, street.instance, LabelSpace.cityscapes_train_ids())
    seen = translated(trained, ids)
    assert "caravan" in seen.class_names
    np.testing.assert_array_equal(seen.label, street.label)
    np.testing.assert_array_equal(seen.instance, street.instance)


def coco(write, names=None):
    """Nothing, two persons, a group of bicycles, a banana, trees and a brick wall, and segments that say so."""
    ids = np.array([[0, 0, 70_001, 70_002], [9, 9, 70_003, 70_003], [5, 5, 5, 6]])
    category = {70_001: PERSON, 70_002: PERSON, 9: BICYCLE, 70_003: BANANA, 5: TREE, 6: WALL_BRICK}
    segments = [
        {"id": i, "category_id": c, "area": int((ids == i).sum()), "iscrowd": int(c == BICYCLE)}
        for i, c in category.items()
    ]
    path = write("maps/a.png", np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8))
    categories = {raw: COCO.names[index] for raw, index in enumerate(COCO.raw_to_class) if raw and index >= 0}
    write_json(path.parent.with_suffix(".json"), {"a.png": segments}, categories if names is None else names)
    return path


def names_of(found):
    return [[found.label_space.names[index] for index in row] for row in found.class_indices]


EXPECTED = [
    ["unknown", "unknown", "person", "person"],
    ["bicycle", "bicycle", "banana", "banana"],
    ["tree", "tree", "tree", "wall-brick"],
]


@pytest.mark.parametrize("told", [None, COCO], ids=["by categories", "by label space"])
def test_coco_panoptic_for_a_model_of_coco_stuff(write, told):
    """Its numbers are off by one there: 1 is a person, but a bicycle of COCO-Stuff, and void, 0, a person."""
    found = open_label_map(coco(write), label_space=STUFF, label_space_of_input=told)
    assert names_of(found) == EXPECTED
    assert found.instance.tolist() == [[255, 255, 256_000, 256_001], [1, 1, 51_000, 51_000], [168, 168, 168, 170]]
    assert found.instance_ids == (51_000, 256_000, 256_001)
    assert found.replaced == {"tree-merged as tree": 3}
    assert found.notes == ("taken for coco_panoptic", "tree-merged as tree: 3 pixels")


def test_grey_ids_of_coco_panoptic_for_a_model_of_coco_stuff():
    label = np.array([[NOTHING, PERSON, BICYCLE, CAR, TREE]])
    found = open_label_map(label, label_space=STUFF, label_space_of_input=COCO)
    assert names_of(found) == [["unknown", "person", "bicycle", "car", "tree"]]
    instance = np.array([[NOTHING, 1000, 1001, CAR, TREE]])
    found = open_label_map(instance, label_space=STUFF, label_space_of_input=COCO)
    assert found.instance.tolist() == [[255, 256_000, 256_001, 2, 168]]
    back = translated(found, COCO)
    assert back.instance.tolist() == instance.tolist()


def test_numbers_without_names_are_refused_unless_their_label_space_is_told(write, ids):
    path = coco(write, names={})
    with pytest.raises(DatasetError, match=r"maps\.json: names no categories.*--label-space-of-input"):
        open_label_map(path, label_space=STUFF)
    assert names_of(open_label_map(path, label_space=STUFF, label_space_of_input=COCO)) == EXPECTED


def test_black_without_a_json_is_nothing():
    """The ids of the others say what they are: 256 * 1000 + k is a person."""
    ids = np.array([[0, 256_003, 2, 257_000]])
    colors = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
    found = open_label_map(colors, label_space=STUFF)
    assert names_of(found) == [["unknown", "person", "car", "person"]]
    assert found.instance.tolist() == [[255, 256_003, 2, 0]]


def test_all_of_coco_panoptic_is_in_coco_stuff():
    raws = [raw for raw, index in enumerate(COCO.raw_to_class) if index >= 0]
    found = open_label_map(np.array([raws], np.uint8), label_space=STUFF, label_space_of_input=COCO)
    for raw, name in zip(raws, names_of(found)[0], strict=True):
        own = COCO.names[COCO.raw_to_class[raw]]
        assert name == (MERGED[own][0] if own in MERGED else own)
    assert len(found.replaced) == len(MERGED) == 17
    assert {part for parts in MERGED.values() for part in parts} <= set(STUFF.names)
    assert {name for name in COCO.names if name.endswith("-merged")} == set(MERGED)


def test_what_was_merged_is_found_from_its_parts():
    parts = [
        (STUFF.raw_to_class.index(STUFF.names.index(part)), whole) for whole, all_ in MERGED.items() for part in all_
    ]
    label = np.array([[raw for raw, _ in parts]], np.uint8)
    found = open_label_map(label, label_space=COCO, label_space_of_input=STUFF)
    assert names_of(found) == [[whole for _, whole in parts]]


def test_what_a_model_does_not_have_is_refused_or_replaced(street, ids):
    zoo = made(
        ("nothing", 0), ("road", 1), ("zebra", 2), ("giraffe", 3), ("car", 9), things=("zebra", "giraffe", "car")
    )
    instance = np.array([[1, 2000, 2004, 3000], [0, 9003, 3, 0]])
    with pytest.raises(DatasetError, match=r"no classes of this model: zebra \(2 pixels\), giraffe \(2 pixels\)\. "):
        open_label_map(instance, label_space=ids, label_space_of_input=zoo)
    with pytest.raises(DatasetError, match=r"giraffe \(2 pixels\)\..*--replace 'giraffe=CLASS'"):
        open_label_map(instance, label_space=ids, label_space_of_input=zoo, replaced={"zebra": "car"})
    replaced = {"zebra": "car", "giraffe": "pole"}
    found = open_label_map(instance, label_space=ids, label_space_of_input=zoo, replaced=replaced)
    # Zebras and cars are cars: all stay apart. Giraffes are poles, which have no instances.
    assert found.label.tolist() == [[7, 26, 26, 17], [0, 26, 17, 0]]
    assert found.instance.tolist() == [[7, 26000, 26001, 17], [0, 26002, 17, 0]]
    assert found.replaced == {"zebra as car": 2, "giraffe as pole": 2}


def test_replacing_goes_before_names(write, ids, street):
    found = open_label_map(street.instance, label_space=ids, replaced={"car": "truck"})
    assert found.instance_ids == (24001, 27000, 27001)
    found = open_label_map(coco(write), label_space=STUFF, replaced={"tree-merged": "bush", "person": "unknown"})
    assert names_of(found)[0] == ["unknown"] * 4
    assert names_of(found)[2][0] == "bush"


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"zebra": "car"}, "zebra=car: 'zebra' is no class of the maps"),
        ({"person": "zebra"}, "'zebra' is no class of the model"),
    ],
)
def test_classes_to_replace_must_exist(write, street, ids, replaced, words):
    for told in (ids, None):
        with pytest.raises(ConfigurationError, match=words):
            open_label_map(street.label, label_space=ids, label_space_of_input=told, replaced=replaced)
    with pytest.raises(ConfigurationError, match="'traffic sign' is no class of the maps, such as person"):
        open_label_map(coco(write), label_space=STUFF, replaced={"traffic sign": "stop sign"})


def test_nothing_has_to_mean_nothing_there():
    """A model without an id for unlabelled pixels: they must not become its class 0."""
    space = made(("nothing",), ("person", 0), ("car", 1))
    with pytest.raises(DatasetError, match="2 pixels are of no class, but no id of the label space means that"):
        open_label_map(np.array([[0, 0, 1]]), label_space=space, label_space_of_input=COCO)


def test_train_ids_of_cityscapes_for_a_model_of_another_dataset():
    space = made(("void", 0), ("car", 5), ("road", 9), ("sky", 1), things=("car",))
    train = np.array([[13, 0, 10, 255]])
    ids = LabelSpace.cityscapes_ids()
    found = open_label_map(train, label_space=space, label_space_of_input=ids, kind=MapKind.TRAIN_IDS)
    assert names_of(found) == [["car", "road", "sky", "void"]]
