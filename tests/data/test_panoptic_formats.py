"""Panoptic formats: what is written is read back, and files of others are understood."""

import json

import numpy as np
import pytest
from cityscapesscripts.preparation.createPanopticImgs import convert2panoptic
from panoptic_round_trips import LOSSLESS, read_back, same_individuals, written
from PIL import Image

from oasis.data.panoptic import FORMATS, PanopticMap, find_format, recognize
from oasis.data.panoptic.conversion import convert_folder
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace
from oasis.synthesis import open_label_map

CAR, PERSON = 26, 24


def street(numbers=(0, 3, 255), group=True, seed=0):
    """Stuff, unlabelled pixels, a person, cars with these numbers, and a group of persons."""
    rng = np.random.default_rng(seed)
    label = np.repeat(rng.choice([0, 7, 11, 23], (12, 4)), 8, axis=1).astype(np.uint8)
    instance = label.astype(np.int32)
    for place, k in enumerate(numbers):
        rows, columns = slice(2 + place, 5 + place), slice(4 * place, 4 * place + 5)
        label[rows, columns], instance[rows, columns] = CAR, CAR * 1000 + k
    label[9:12, 20:25], instance[9:12, 20:25] = PERSON, PERSON * 1000 + 1
    if group:
        label[9:12, 26:31] = instance[9:12, 26:31] = PERSON
    return PanopticMap(label, instance)


@pytest.mark.parametrize("name", FORMATS)
def test_a_round_trip(name, tmp_path, ids):
    original = street(group=name != "mapillary")
    assert not written(name, original, tmp_path, ids)
    back = read_back(name, tmp_path, ids)
    np.testing.assert_array_equal(back.label, original.label)
    assert same_individuals(back, original)
    if name in LOSSLESS:
        np.testing.assert_array_equal(back.instance, original.instance)
    if name not in ("panoptic_ids", "mapillary", "coco"):
        assert recognize(tmp_path) is FORMATS[name]
    if name == "coco":
        assert recognize(tmp_path / "panoptic") is FORMATS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_but_stuff(name, tmp_path, ids):
    original = street((), group=False)
    original = PanopticMap(
        *(np.where(original.label == PERSON, 7, each) for each in (original.label, original.instance))
    )
    written(name, original, tmp_path, ids)
    np.testing.assert_array_equal(read_back(name, tmp_path, ids).instance, original.instance)


def test_classes_above_65_have_instances(tmp_path):
    space = LabelSpace.ade20k()
    label = np.full((4, 6), 3, np.uint8)
    label[1:3, 1:4] = 117  # a thing of ADE20K
    raw = {i for i, c in enumerate(space.raw_to_class) if c in space.things}
    assert 117 in raw
    original = PanopticMap(label, np.where(label == 117, 117_002, 3).astype(np.int32))
    for name in ("coco", "bdd100k", "spade", "ade20k", "mapillary"):
        written(name, original, tmp_path / name, space)
        back = read_back(name, tmp_path / name, space)
        assert same_individuals(back, original)
        np.testing.assert_array_equal(back.label, label)
    with pytest.raises(DatasetError, match=r"class 117 has instances.*classes 1 to 65.*--to coco"):
        written("cityscapes", original, tmp_path / "c", space)
    with pytest.raises(DatasetError, match="class 117 does not fit into 16 bits"):
        written("panoptic_ids", original, tmp_path / "p", space)


# What others write, worked out by hand


def test_mapillary(tmp_path, ids):
    """Class id * 256 + k."""
    Image.fromarray(np.array([[7 * 256, 26 * 256, 26 * 256 + 255]], np.uint16)).save(tmp_path / "a.png")
    found = find_format("mapillary")(ids).read(tmp_path / "a.png")
    assert found.label.tolist() == [[7, 26, 26]]
    assert found.instance.tolist() == [[7, 26000, 26255]]


def test_panoptic_ids(tmp_path, ids):
    """Instance 0 is none; numbers of stuff are ignored."""
    Image.fromarray(np.array([[7000, 7001, 26000, 26001, 26999]], np.uint16)).save(tmp_path / "a.png")
    found = find_format("panoptic_ids")(ids).read(tmp_path / "a.png")
    assert found.instance.tolist() == [[7, 7, 26, 26000, 26998]]


def test_bdd100k(tmp_path, ids):
    """Segments 300 and 2 of cars, one of which is a crowd; an ignored pixel."""
    rgba = [[[7, 0, 0, 1], [26, 0, 1, 44], [26, 8, 0, 2], [26, 2, 0, 3], [26, 1, 0, 9]]]
    Image.fromarray(np.array(rgba, np.uint8)).save(tmp_path / "a.png")
    found = find_format("bdd100k")(ids).read(tmp_path / "a.png")
    assert found.label.tolist() == [[7, 26, 26, 26, 0]]
    assert found.instance.tolist() == [[7, 26001, 26000, 26, 0]]


def test_spade(tmp_path, ids):
    """A number is an instance only on a thing, and only if it is not the copied label."""
    for kind, values in (("label", [7, 26, 26, 26, 24]), ("inst", [7, 26, 0, 7, 7])):
        (tmp_path / f"val_{kind}").mkdir()
        Image.fromarray(np.array([values], np.uint8)).save(tmp_path / f"val_{kind}" / "a.png")
    form = find_format("spade")(ids)
    assert list(form.find(tmp_path)) == ["val/a"]
    found = form.read(tmp_path / "val_inst" / "a.png")
    assert found.instance.tolist() == [[7, 26, 26000, 26007, 24007]]


def test_ade20k(tmp_path, ids):
    """Green numbers the instances of a picture; red is another list's class."""
    for kind, values in (
        ("annotations", [7, 26, 26, 24]),
        ("annotations_instance", [[0, 0, 0], [3, 9, 0], [3, 4, 0], [1, 1, 0]]),
    ):
        (tmp_path / kind / "training").mkdir(parents=True)
        Image.fromarray(np.array([values], np.uint8)).save(tmp_path / kind / "training" / "a.png")
    found = find_format("ade20k")(ids).read(tmp_path / "annotations_instance" / "training" / "a.png")
    assert found.instance.tolist() == [[7, 26001, 26000, 24000]]


def coco(folder, ids, segments, categories=()):
    (folder / "maps").mkdir(parents=True)
    values = np.array([ids])
    picture = np.stack([values % 256, values // 256 % 256, values // 65536], -1).astype(np.uint8)
    Image.fromarray(picture).save(folder / "maps" / "a.png")
    content = {"annotations": [{"file_name": "a.png", "segments_info": segments}], "categories": list(categories)}
    (folder / "maps.json").write_text(json.dumps(content))
    return folder / "maps" / "a.png"


def segment(number, category, area=1, crowd=0):
    return {"id": number, "category_id": category, "area": area, "iscrowd": crowd, "bbox": [0, 0, 1, 1]}


def test_coco_categories_are_matched_by_name(tmp_path, ids):
    """Ids of another dataset: 3 is a car there."""
    names = [{"id": 3, "name": "car"}, {"id": 149, "name": "road"}, {"id": 8, "name": "spaceship"}]
    path = coco(
        tmp_path,
        [0, 70000, 5, 6, 9],
        [segment(70000, 149), segment(6, 3), segment(5, 3), segment(9, 3, crowd=1)],
        names,
    )
    found = find_format("coco")(ids).read(path)
    assert found.instance.tolist() == [[0, 7, 26001, 26000, 26]]
    path = coco(tmp_path / "more", [5], [segment(5, 8)], names)
    with pytest.raises(DatasetError, match=r"maps\.json: categories that .* does not have: 8 \(spaceship\)"):
        find_format("coco")(ids).read(path)


@pytest.mark.parametrize(
    ("pixels", "segments", "words"),
    [
        ([1, 2], [segment(1, 7)], r"a\.png: ids without a segment in .*maps\.json: 2\."),
        ([1, 1], [segment(1, 7, 2), segment(3, 7)], r"a\.png: no pixels of segments in .*maps\.json: 3\."),
        ([1, 1], [segment(1, 7, 5)], r"segment 1 has 2 pixels, but area 5 in .*maps\.json"),
        ([1, 1], [segment(1, 7, 2)] * 2, "lists id 1 twice"),
    ],
)
def test_a_json_that_does_not_match_its_picture(pixels, segments, words, tmp_path, ids):
    with pytest.raises(DatasetError, match=words):
        find_format("coco")(ids).read(coco(tmp_path, pixels, segments))


# What formats cannot store


def test_group_regions_in_mapillary_are_counted(tmp_path, ids):
    original = street()
    assert written("mapillary", original, tmp_path, ids) == {"group regions, stored as one instance each": 1}
    back = read_back("mapillary", tmp_path, ids)
    np.testing.assert_array_equal(back.label, original.label)
    assert same_individuals(back, original)


def test_too_many_instances(tmp_path, ids):
    label = np.full((20, 20), CAR, np.uint8)
    crowded = PanopticMap(label, (CAR * 1000 + np.arange(400).reshape(20, 20)).astype(np.int32))
    for name in ("cityscapes", "panoptic_ids", "coco", "bdd100k"):
        assert not written(name, crowded, tmp_path / name, ids)
    for name, words in (
        ("mapillary", "instance 399 .* 0 to 255"),
        ("spade", "256 instances"),
        ("ade20k", "400 instances"),
    ):
        with pytest.raises(DatasetError, match=words):
            written(name, crowded, tmp_path / name, ids)


def test_an_instance_number_equal_to_the_class_gets_another_one_in_spade(tmp_path, ids):
    original = street((26, 0))
    assert written("spade", original, tmp_path, ids) == {"instances with another number": 1}
    assert same_individuals(read_back("spade", tmp_path, ids), original)


# Conversion of folders


def test_a_folder_from_format_to_format(tmp_path, ids, capsys):
    for seed in range(3):
        find_format("cityscapes")(ids).write(tmp_path / "in", f"train/a{seed}", street(seed=seed))
    steps = ["coco", "bdd100k", "spade", "ade20k", "cityscapes"]
    source = tmp_path / "in"
    for name in steps:
        reader = recognize(source)
        assert not convert_folder(reader(ids), find_format(name)(ids), source, tmp_path / name)
        source = tmp_path / name / "panoptic" if name == "coco" else tmp_path / name
    assert "3 maps written" in capsys.readouterr().out
    form = find_format("cityscapes")(ids)
    for seed, path in enumerate(form.find(source).values()):
        assert same_individuals(form.read(path), street(seed=seed))


def test_bad_input(tmp_path, ids):
    find_format("cityscapes")(ids).write(tmp_path / "in", "a", street())
    form = find_format("cityscapes")(ids)
    with pytest.raises(ConfigurationError, match="not an empty folder, and nothing is overwritten"):
        convert_folder(form, form, tmp_path / "in", tmp_path / "in")
    with pytest.raises(ConfigurationError, match=r"No panoptic format is called 'vistas'.*mapillary"):
        find_format("vistas")
    with pytest.raises(DatasetError, match="no such file or folder"):
        recognize(tmp_path / "nowhere")
    (tmp_path / "grey").mkdir()
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(tmp_path / "grey" / "a.png")
    with pytest.raises(DatasetError, match=r"does not show its format.*--from.*mapillary"):
        recognize(tmp_path / "grey")
    with pytest.raises(DatasetError, match="no maps of this format"):
        convert_folder(form, form, tmp_path / "grey", tmp_path / "out")
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "grey" / "b.png")
    with pytest.raises(DatasetError, match=r"b\.png: a picture of mode RGB.*class id \* 256"):
        find_format("mapillary")(ids).read(tmp_path / "grey" / "b.png")


@pytest.mark.parametrize("name", ["coco", "bdd100k", "spade", "ade20k"])
def test_instances_of_class_0(name, tmp_path):
    """The persons of COCO-Stuff; their ids must not be plain class ids."""
    space = LabelSpace.coco_stuff()
    label = np.array([[255, 0, 0, 0, 0, 0, 1]], np.uint8)
    number = np.array([[0, 3, 3, 7, 7, 0, 0]])
    original = PanopticMap.of_numbers(label, number, number > 0)
    assert original.instance.tolist() == [[255, 256003, 256003, 256007, 256007, 0, 1]]
    written(name, original, tmp_path, space)
    back = read_back(name, tmp_path, space)
    np.testing.assert_array_equal(back.label, label)
    assert same_individuals(back, original)


def test_coco_is_read_as_cityscapesscripts_writes_it(tiny, ids, tmp_path, capsys):
    """Instances keep their numbers, groups are groups, and classes that are left out are unlabelled."""
    convert2panoptic(str(tiny.root / "gtFine"), str(tmp_path), False, ["train"])
    capsys.readouterr()
    form = find_format("coco")(ids)
    maps = form.find(tmp_path / "cityscapes_panoptic_train")
    assert len(maps) == 7
    for name, path in maps.items():
        expected = np.asarray(Image.open(tiny.instance("train", name.removesuffix("_gtFine_panoptic")))).astype(int)
        read = form.read(path).instance
        assert (expected[read == 0] == 0).all()  # the only class of these maps that is not evaluated
        assert np.array_equal(read[read > 0], expected[read > 0])
        assert {26000, 26002, 24} <= set(read.flat)  # two cars, numbered with a gap, and a group of persons


def test_instance_ids_that_mean_nothing():
    for wrong, words in ((300, r"ids 300 \(2 pixels\)"), (257_000, "257000"), (-1, "-1")):
        with pytest.raises(DatasetError, match=f"mine: .*{words}.*256999"):
            PanopticMap.of_instance_ids(np.array([[7, wrong, wrong]]), "mine")
    found = PanopticMap.of_instance_ids(np.array([[0, 256_000, 255_999, 12, 12_000]]), "mine")
    assert found.label.tolist() == [[0, 0, 255, 12, 12]]


def test_more_instances_than_a_class_may_have(tmp_path, ids):
    """Of two categories, which are one class here: only then does no list say so by itself."""
    names = [{"id": 1, "name": "car"}, {"id": 2, "name": "car"}]
    numbers = list(range(1, 1102))
    path = coco(tmp_path, numbers, [segment(i, 1 + i % 2) for i in numbers], names)
    with pytest.raises(DatasetError, match=r"maps\.json: more than 1000 instances of class 26"):
        find_format("coco")(ids).read(path)
    path = coco(tmp_path / "one", numbers, [segment(i, 1) for i in numbers], names)
    with pytest.raises(DatasetError, match=r"segments_info of a\.png: 1101 instances of one class"):
        find_format("coco")(ids).read(path)


NO_VOID = LabelSpace.from_classes(
    [{"name": "person", "ids": [0], "thing": True}, {"name": "tree", "ids": [9]}, {"name": "nothing", "ids": []}],
    ignore="nothing",
)  # no id means nothing


def test_pixels_of_no_class_are_refused_where_no_id_means_that(tmp_path):
    """They became class 0, a person."""
    assert NO_VOID.ignore_index not in NO_VOID.raw_to_class
    label = np.array([[0, 0, 9, 9]], np.uint8)
    panoptic = PanopticMap.of_instance_ids(np.array([[0, 256_000, 9, 9]]), "a")
    form = FORMATS["coco"](NO_VOID)
    form.write(tmp_path, "a", panoptic)
    form.finish(tmp_path)
    path = tmp_path / "panoptic" / "a.png"
    np.testing.assert_array_equal(FORMATS["coco"](NO_VOID).read(path).instance, panoptic.instance)
    pixels = np.array(Image.open(path))
    segments = json.loads((tmp_path / "panoptic.json").read_text())
    segments["annotations"][0]["segments_info"] = [
        {**one, "area": one["area"] - (one["category_id"] == 9)} for one in segments["annotations"][0]["segments_info"]
    ]
    (tmp_path / "panoptic.json").write_text(json.dumps(segments))
    pixels[0, 3] = 0
    Image.fromarray(pixels).save(path)
    with pytest.raises(DatasetError, match=r"1 pixels are of no class, but no id of the label space means that"):
        FORMATS["coco"](NO_VOID).read(path)
    ignored = np.stack([label, np.array([[0, 0, 0, 1]], np.uint8), label * 0, label * 0 + 1], -1)
    Image.fromarray(ignored).save(tmp_path / "b.png")
    with pytest.raises(DatasetError, match=r"b\.png: 1 pixels are of no class"):
        FORMATS["bdd100k"](NO_VOID).read(tmp_path / "b.png")


def test_merged_classes_of_coco_are_converted_as_they_are_generated(tmp_path):
    panoptic_space, stuff = LabelSpace.built_in("coco_panoptic"), LabelSpace.coco_stuff()
    tree = panoptic_space.raw_to_class.index(panoptic_space.names.index("tree-merged"))
    form = FORMATS["coco"](panoptic_space)
    form.write(tmp_path, "a", PanopticMap.of_instance_ids(np.full((2, 3), tree), "a"))
    form.finish(tmp_path)
    path = tmp_path / "panoptic" / "a.png"
    found = FORMATS["coco"](stuff).read(path)
    assert {stuff.names[stuff.raw_to_class[raw]] for raw in np.unique(found.label)} == {"tree"}
    np.testing.assert_array_equal(found.label, open_label_map(path, label_space=stuff).label)
