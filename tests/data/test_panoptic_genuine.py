"""Genuine maps of four datasets through every panoptic format, and beside cityscapesscripts' own converter."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from cityscapesscripts.helpers.labels import labels as CITYSCAPES
from cityscapesscripts.preparation.createPanopticImgs import convert2panoptic
from panoptic_round_trips import LOSSLESS, read_back, same_individuals, written
from PIL import Image

from oasis.data.panoptic import FORMATS, PanopticMap, find_format
from oasis.data.panoptic.conversion import convert_folder
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

pytestmark = pytest.mark.real_data
SOURCES = {
    "cityscapes": ("cityscapes_sample/gtFine", "cityscapes", "cityscapes_ids"),
    "coco_panoptic": ("coco_panoptic_sample/annotations", "coco", "coco_panoptic"),
    "coco_stuff": ("coco_stuff_sample", "spade", "coco_stuff"),
}


def genuine(folder):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine maps")
    return Path(os.environ["OASIS_REAL_DATA"], folder)


def read_all(dataset):
    """The label space and all maps; of the large ones, every fourth pixel."""
    if dataset == "ade20k":  # without instance maps: every thing is a group region
        labels = [np.asarray(Image.open(path)) for path in genuine("ade20k_sample").glob("annotations/*/*.png")]
        return LabelSpace.ade20k(), [PanopticMap(label, label.astype(np.int32)) for label in labels]
    folder, name, space = SOURCES[dataset]
    form = find_format(name)(LabelSpace.built_in(space))
    maps = [form.read(path) for path in form.find(genuine(folder)).values()]
    step = 4 if dataset == "cityscapes" else 1
    return form.space, [PanopticMap(one.label[::step, ::step], one.instance[::step, ::step]) for one in maps]


def expected_loss(name, panoptic, space):
    """What a format cannot store, counted without it; None where it has to refuse the map."""
    singles = {(int(i) // 1000 % 256, int(i) % 1000) for i in np.unique(panoptic.instance) if i >= 1000}
    things = {raw for raw, index in enumerate(space.raw_to_class) if index in space.things}
    if name == "cityscapes" and not all(1 <= raw <= 65 for raw, _ in singles):
        return None
    if name == "panoptic_ids" and panoptic.label.max() > 65:
        return None
    if name == "mapillary":
        plain = panoptic.label[panoptic.instance < 1000]
        return len(things & {*plain.tolist()})
    if name == "spade":
        return sum(k > 255 or k == raw for raw, k in singles)
    return 0


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("dataset", "count"), [("cityscapes", 6), ("coco_panoptic", 2), ("coco_stuff", 14), ("ade20k", 2)]
)
def test_round_trips(dataset, count, name, tmp_path):
    space, maps = read_all(dataset)
    assert len(maps) == count
    for number, original in enumerate(maps):
        folder, lost = tmp_path / str(number), expected_loss(name, original, space)
        if lost is None:
            with pytest.raises(DatasetError, match=r"Use --to coco\."):
                written(name, original, folder, space)
            continue
        assert written(name, original, folder, space).total() == lost
        back = read_back(name, folder, space)
        np.testing.assert_array_equal(back.label, original.label)
        assert same_individuals(back, original)
        if name in LOSSLESS:
            np.testing.assert_array_equal(back.instance, original.instance)


def rgb2id(path):
    """The formula of panopticapi and of cocodataset.org: R + 256 G + 256^2 B."""
    red, green, blue = np.moveaxis(np.asarray(Image.open(path)).astype(np.int64), -1, 0)
    return red + 256 * green + 256**2 * blue


def segments_of(path):
    return {each["file_name"]: each["segments_info"] for each in json.loads(path.read_text())["annotations"]}


def test_the_converter_of_cityscapesscripts(tmp_path, ids):
    """It writes the evaluated classes alone; of these, every segment has the same id, class, area, box and crowd."""
    source = tmp_path / "gtFine"
    for path in genuine("cityscapes_sample/gtFine").glob("*/*/*Ids.png"):  # every other pixel: their converter is slow
        place = source / path.relative_to(genuine("cityscapes_sample/gtFine"))
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(Image.open(path))[::2, ::2]).save(place)
    (tmp_path / "theirs").mkdir()
    convert2panoptic(str(source), str(tmp_path / "theirs"), setNames=["train", "val"])
    form, ours = find_format("cityscapes")(ids), find_format("coco")(ids)
    convert_folder(form, ours, source, tmp_path / "ours")
    written_by_us = segments_of(tmp_path / "ours" / "panoptic.json")
    scored = [label.id for label in CITYSCAPES if not label.ignoreInEval]
    paths = sorted((tmp_path / "theirs").glob("*/*.png"))
    assert len(paths) == len(written_by_us) == 6
    for path in paths:
        split = path.parent.name.rsplit("_", 1)[1]
        (own,) = (tmp_path / "ours" / "panoptic").glob(f"{split}_*{path.name.removesuffix('_panoptic.png')}.png")
        theirs = segments_of(path.parent.with_suffix(".json"))[path.name]
        assert [each for each in written_by_us[own.name] if each["category_id"] in scored] == theirs
        original = form.read(source / split / path.name.split("_")[0] / path.name.replace("panoptic", "instanceIds"))
        evaluated = np.isin(original.label, scored)
        np.testing.assert_array_equal(np.where(evaluated, rgb2id(own), 0), rgb2id(path))
        back = ours.read(path)
        np.testing.assert_array_equal(back.instance, np.where(evaluated, original.instance, 0))
        np.testing.assert_array_equal(back.label, np.where(evaluated, original.label, 0))


def test_cocos_maps_as_panopticapi_decodes_them():
    """Each pixel's segment by the formula, and its category from the JSON."""
    space = LabelSpace.built_in("coco_panoptic")
    form = find_format("coco")(space)
    paths = form.find(genuine("coco_panoptic_sample/annotations")).values()
    assert len(paths) == 2
    for path in paths:
        content = json.loads(path.parent.with_suffix(".json").read_text())
        isthing = {each["id"]: each["isthing"] for each in content["categories"]}
        (listed,) = (each["segments_info"] for each in content["annotations"] if each["file_name"] == path.name)
        segment, panoptic = rgb2id(path), form.read(path)
        assert {*np.unique(segment).tolist()} - {0} == {each["id"] for each in listed}
        assert (panoptic.label[segment == 0] == 0).all()  # `unknown`
        for each in listed:
            mask = segment == each["id"]
            assert {*panoptic.label[mask].tolist()} == {each["category_id"]}
            (found,) = {*panoptic.instance[mask].tolist()}
            if isthing[each["category_id"]] and not each["iscrowd"]:
                assert found // 1000 == each["category_id"]
                assert np.array_equal(panoptic.instance == found, mask)  # its own, and nobody else's
            else:
                assert found == each["category_id"]


def test_instances_of_spade_are_pairs():
    """Pairs of label and number, counted the slow way."""
    space = LabelSpace.coco_stuff()
    source = find_format("spade")(space)
    things = {raw for raw, index in enumerate(space.raw_to_class) if index in space.things}
    found = 0
    for path in source.find(genuine("coco_stuff_sample")).values():
        panoptic = source.read(path)
        pairs = zip(panoptic.label.flat, np.asarray(Image.open(path)).flat, strict=True)
        individuals = {(a, b) for a, b in {*pairs} if a in things and a != b}
        assert len(panoptic.instances()) == len(individuals)
        found += len(individuals)
    assert found > 50
