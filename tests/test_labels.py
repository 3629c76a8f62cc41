"""Label spaces: the built-in ones, looking up classes, and checks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cityscapesscripts.helpers.labels import labels as official
from hydra.utils import instantiate
from omegaconf import OmegaConf

from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace, built_in_names

CONF = Path(__file__).parents[1] / "conf" / "label_space"


def test_ids_keep_every_raw_id(ids):
    assert ids.num_classes == 35
    assert ids.names[34] == "unknown"
    for entry in official:
        if entry.id >= 0:
            assert ids.raw_to_class[entry.id] == entry.id
            assert ids.names[entry.id] == entry.name
            assert ids.palette[entry.id] == entry.color
            assert (entry.id in ids.things) == entry.hasInstances
    assert ids.names[ids.ignore_index] == "unlabeled"


def test_train_ids_follow_the_official_table():
    space = LabelSpace.cityscapes_train_ids()
    assert space.num_classes == 20
    for entry in official:
        if entry.id < 0:
            continue
        wanted = 19 if entry.trainId in (255, -1) else entry.trainId
        assert space.raw_to_class[entry.id] == wanted, entry.name
    assert space.things == set(range(11, 19))
    assert space.ignore_index == 19


def test_categories_follow_the_official_table():
    space = LabelSpace.built_in("cityscapes_categories")
    assert space.names == ("void", "flat", "construction", "object", "nature", "sky", "human", "vehicle")
    for entry in official:
        if entry.id >= 0:
            assert space.raw_to_class[entry.id] == entry.categoryId
            assert space.names[entry.categoryId] == entry.category
            assert not entry.hasInstances or entry.categoryId in space.things


def raw_ids(space):
    """Name -> raw ids."""
    return {
        name: [raw for raw, found in enumerate(space.raw_to_class) if found == index]
        for index, name in enumerate(space.names)
    }


# classes without the ignored one, things, the highest raw id; golden numbers of the publications
@pytest.mark.parametrize(
    ("name", "classes", "things", "highest"),
    [
        ("ade20k", 150, 100, 150),
        ("bdd100k", 40, 10, 40),
        ("bdd100k_semantic", 19, 8, 255),
        ("camvid", 11, 3, 11),
        ("cityscapes_categories", 7, 2, 33),
        ("cityscapes_ids", 34, 10, 33),
        ("cityscapes_train_ids", 19, 8, 33),
        ("coco_panoptic", 133, 80, 200),
        ("coco_stuff", 182, 91, 255),
        ("coco_things", 80, 80, 90),
        ("kitti360", 44, 21, 44),
    ],
)
def test_sizes_of_the_built_in_spaces(name, classes, things, highest):
    space = LabelSpace.built_in(name)
    assert (space.num_classes - 1, len(space.things)) == (classes, things)
    assert max(raw for raw, index in enumerate(space.raw_to_class) if index >= 0) == highest
    assert instantiate(OmegaConf.load(CONF / f"{name}.yaml")) == space


def test_every_built_in_space_has_its_yaml():
    assert {path.stem for path in CONF.glob("*.yaml")} == {*built_in_names(), "file", "mapillary"}
    with pytest.raises(ConfigurationError, match=r"No label space is called '\.\./x'; there are ade20k, "):
        LabelSpace.built_in("../x")


def test_coco_agrees_with_torchvision_and_with_itself():
    from torchvision.models._meta import _COCO_CATEGORIES

    known = {name: [index] for index, name in enumerate(_COCO_CATEGORIES) if index and name != "N/A"}
    things, panoptic = (LabelSpace.built_in(name) for name in ("coco_things", "coco_panoptic"))
    assert raw_ids(things) == {"unknown": [0], **known}
    assert raw_ids(things).items() <= raw_ids(panoptic).items()
    assert {panoptic.names[index] for index in panoptic.things} == known.keys()
    assert raw_ids(panoptic)["rug-merged"] == [200]


def test_kitti360_and_bdd100k_agree_with_cityscapes_where_they_share_classes():
    kitti, bdd, semantic = (LabelSpace.built_in(name) for name in ("kitti360", "bdd100k", "bdd100k_semantic"))
    for entry in official:
        if entry.id < 0:
            continue
        assert raw_ids(kitti)[entry.name] == [entry.id]
        assert kitti.palette[entry.id] == entry.color
        if 0 <= entry.trainId < 19:
            assert raw_ids(semantic)[entry.name] == [entry.trainId]
            assert bdd.palette[bdd.names.index(entry.name)] == entry.color
            assert (bdd.names.index(entry.name) in bdd.things) == entry.hasInstances


def test_a_label_space_of_lists_is_the_same(ids):
    """As a yaml gives it."""
    fields = {name: list(value) if not isinstance(value, int) else value for name, value in vars(ids).items()}
    fields["palette"] = [list(color) for color in fields["palette"]]
    space = LabelSpace(**fields)
    assert space == ids
    assert hash(space) == hash(ids)
    given = OmegaConf.create({"classes": [{"name": "a", "ids": [1]}, {"name": "b", "ids": []}]})
    assert LabelSpace.from_classes(given.classes, "a").names == ("a", "b")


def test_differences_are_named(ids):
    assert ids.differences(ids) == ""
    train = LabelSpace.cityscapes_train_ids()
    assert train.differences(ids, "now", "before") == (
        "only now: 'void'; only before: 'unlabeled', 'ego vehicle', 'rectification border', 'out of roi', 'static', "
        "'dynamic', 'ground', 'parking' and 8 more"
    )
    swapped = replace(ids, names=(*ids.names[:7], "sidewalk", "road", *ids.names[9:]))
    assert ids.differences(swapped) == (
        "the same names in another order: class 7 is 'road' here, 'sidewalk' there; class 8 is 'sidewalk' here, 'road' "
        "there"
    )
    other = replace(ids, things=ids.things - {26}, evaluated=ids.evaluated - {7, 26})
    assert ids.differences(other) == "thing differs in 'car'; scored differs in 'road', 'car'"


def test_to_classes_maps_every_pixel():
    space = LabelSpace.cityscapes_train_ids()
    raw = torch.tensor([[7, 26, 0], [33, 11, 29]], dtype=torch.uint8)
    assert space.to_classes(raw).tolist() == [[0, 13, 19], [18, 2, 19]]
    assert space.to_classes(raw).dtype == torch.int64


@pytest.mark.parametrize("bad", [34, 100, 255])
def test_stray_ids_are_named_with_file_and_count(ids, bad):
    raw = np.zeros((4, 4), np.uint8)
    ids.check(raw, "good.png")
    raw[1, :3] = bad
    with pytest.raises(DatasetError, match=rf"somewhere\.png.*{bad} \(3 pixels\).*labelIds"):
        ids.check(raw, "somewhere.png")


def test_train_ids_in_the_files_are_recognised(ids):
    with pytest.raises(DatasetError, match="train ids"):
        ids.check(np.array([[255]], np.uint8), "x.png")


def test_inconsistent_tables_are_refused():
    with pytest.raises(ValueError, match="colours"):
        LabelSpace(("a",), (), frozenset(), 0, (0,) * 256, frozenset())
    with pytest.raises(ValueError, match="256"):
        LabelSpace(("a",), ((0, 0, 0),), frozenset(), 0, (0,), frozenset())
    with pytest.raises(ValueError, match="outside"):
        LabelSpace(("a",), ((0, 0, 0),), frozenset(), 0, (1,) * 256, frozenset())


def test_a_label_space_by_its_name_or_its_file(tmp_path):
    assert LabelSpace.named("camvid") == LabelSpace.built_in("camvid")
    (tmp_path / "classes.yaml").write_text("ignore: void\nclasses: [{name: void, ids: [0]}, {name: wall, ids: [4]}]")
    assert LabelSpace.named(str(tmp_path / "classes.yaml")).names == ("void", "wall")
    with pytest.raises(ConfigurationError, match=r"vistas: no label space is called this, .*\.yaml.*coco_panoptic"):
        LabelSpace.named("vistas")
