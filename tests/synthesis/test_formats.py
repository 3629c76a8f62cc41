"""All kinds of maps of one street read as the same street."""

import json

import numpy as np
import pytest
from panoptic_maps import segments_info, to_coco, to_panoptic
from PIL import Image

from oasis.data.files.meaning import TRAIN_IDS
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace
from oasis.synthesis import MapKind, open_label_map

SPACES = {"ids": LabelSpace.cityscapes_ids(), "train_ids": LabelSpace.cityscapes_train_ids()}


def rooms() -> LabelSpace:
    """Another dataset: 60 classes from 0 to 59, none with instances, colours of its own."""
    names = ("other", *(f"room {i}" for i in range(1, 60)))
    palette = tuple((i * 4, 255 - i * 4, i * 2) for i in range(60))
    return LabelSpace(names, palette, frozenset(), 0, (*range(60), *[-1] * 196), frozenset(range(1, 60)))


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]


def as_array(pixels):
    return pixels


def as_picture(pixels):
    return Image.fromarray(pixels)


FORMS = {"array": as_array, "picture": as_picture, "file": None}


@pytest.fixture(params=FORMS)
def form(request, write):
    """The three forms in which pixels may be given."""
    return FORMS[request.param] or (lambda pixels: str(write("map.png", pixels)))


def test_label_ids(form, street, space):
    found = open_label_map(form(street.label), label_space=space)
    np.testing.assert_array_equal(found.label, street.label)
    assert found.instance is None
    assert found.remarks == ()


def test_instance_ids_alone_say_everything(form, street, space):
    found = open_label_map(form(street.instance), label_space=space)
    np.testing.assert_array_equal(found.label, street.label)
    np.testing.assert_array_equal(found.instance, street.instance)
    assert found.remarks == ("taken for instance_ids",)


def test_panoptic_ids(form, street, space):
    found = open_label_map(form(to_panoptic(street.instance).astype(np.uint16)), label_space=space)
    np.testing.assert_array_equal(found.label, street.label)
    np.testing.assert_array_equal(found.instance, street.instance)
    assert found.remarks == ("taken for panoptic_ids",)


def test_colors(form, street, space):
    colors = street.colors(SPACES["ids"])
    found = open_label_map(form(colors), label_space=space)
    np.testing.assert_array_equal(found.label, street.label)
    assert found.remarks == ("taken for colors",)


@pytest.mark.parametrize("instance_form", ["instance_ids", "panoptic_ids", "coco"])
def test_a_label_map_with_an_instance_map(form, street, space, instance_form):
    instance = {
        "instance_ids": street.instance,
        "panoptic_ids": to_panoptic(street.instance).astype(np.uint16),
        "coco": to_coco(street.instance, left_out=()),
    }[instance_form]
    for label in (street.label, street.colors(SPACES["ids"])):
        found = open_label_map(label, form(instance), label_space=space)
        np.testing.assert_array_equal(found.label, street.label)
        np.testing.assert_array_equal(found.instance, street.instance)


def coco_json(path, street, **changes):
    segments = segments_info(street.instance, ())
    for segment in segments:
        segment.update({name: change(segment) for name, change in changes.items()})
    path.write_text(json.dumps({"annotations": [{"file_name": "map.png", "segments_info": segments}]}))
    return segments


@pytest.mark.parametrize("place", ["map.json", "../dataset.json"])
def test_a_coco_map_finds_its_json(write, street, space, place):
    file = write("dataset/map.png", to_coco(street.instance, ()))
    # Ids that mean nothing without the list: each is another number.
    Image.fromarray(to_coco(street.instance, ()) + np.array([0, 0, 3], np.uint8)).save(file)
    coco_json(file.parent / place, street, id=lambda segment: segment["id"] + 3 * 65536)
    pixels = np.asarray(Image.open(file)).copy()
    pixels[street.label == 0] = 0
    Image.fromarray(pixels).save(file)
    found = open_label_map(file, label_space=space)
    np.testing.assert_array_equal(found.label, street.label)
    assert found.remarks == ("taken for coco_panoptic",)
    # Cars are numbered in the order of the list, from the lowest k that is free.
    assert found.instance_ids == (24000, 26000, 26001)
    np.testing.assert_array_equal(found.instance == 26001, street.instance == 26002)


def test_a_json_that_changes_is_read_anew(write, street, ids):
    file = write("map.png", to_coco(street.instance, ()))
    coco_json(file.with_suffix(".json"), street)
    assert open_label_map(file, label_space=ids).class_names.count("truck") == 0
    to_trucks = coco_json(file.with_suffix(".json"), street, category_id=lambda s: {26: 27}.get(s["category_id"], 7))
    assert len(to_trucks) > 2
    assert "truck" in open_label_map(file, label_space=ids).class_names


def test_a_json_of_another_kind_is_let_be_unless_a_list_is_needed(write, street, ids):
    file = write("map.png", street.colors(ids))
    file.with_suffix(".json").write_text('{"objects": []}')  # as Cityscapes' polygons
    assert open_label_map(file, label_space=ids).remarks == ("taken for colors",)
    with pytest.raises(DatasetError, match="not the JSON of a COCO panoptic dataset"):
        open_label_map(file, label_space=ids, kind=MapKind.COCO_PANOPTIC)


def test_coco_categories_that_are_train_ids_are_noticed(street, ids):
    raw_to_train = {raw: train for train, raw in TRAIN_IDS.items()}
    segments = segments_info(street.instance, ())
    for segment in segments:
        segment["category_id"] = raw_to_train[segment["category_id"]]
    found = open_label_map(to_coco(street.instance), label_space=ids, segments=segments)
    np.testing.assert_array_equal(found.label, street.label)
    assert found.remarks == ("taken for coco_panoptic", "its categories are train ids")


def test_a_list_of_segments_is_of_rgb_pictures(street, ids, tmp_path):
    segments = segments_info(street.instance, ())
    for numbers in (street.label, street.instance):
        with pytest.raises(DatasetError, match=r"label map: segments describe RGB pictures, but .* numbers \(H, W\)"):
            open_label_map(numbers, label_space=ids, segments=segments)
        with pytest.raises(DatasetError, match=r"label map: .*map\.json describes RGB pictures"):
            open_label_map(numbers, label_space=ids, segments=tmp_path / "map.json")
    with pytest.raises(DatasetError, match=r"gone\.json: no such file; it would be the JSON of label map"):
        open_label_map(to_coco(street.instance), label_space=ids, segments=tmp_path / "gone.json")


def test_a_coco_map_of_cityscapesscripts_needs_no_json(street, space):
    found = open_label_map(to_coco(street.instance), label_space=space)
    np.testing.assert_array_equal(found.instance, street.instance)
    assert found.remarks == ("taken for coco_panoptic", "no JSON beside it: its ids are read as instanceIds")


def test_individuals_alone_fit_both_kinds_and_the_rule_decides(ids):
    both = np.array([[0, 26000], [26001, 24001]], np.uint16)
    found = open_label_map(both, label_space=ids)
    np.testing.assert_array_equal(found.instance, both)
    assert found.remarks == ("taken for instance_ids",)
    said = open_label_map(both, label_space=ids, kind=MapKind.PANOPTIC_IDS)
    np.testing.assert_array_equal(said.instance, [[0, 26], [26000, 24000]])
    assert said.remarks == ()


def test_train_ids_have_to_be_said(street, space):
    raw_to_train = {raw: train for train, raw in TRAIN_IDS.items()}
    trained = np.vectorize(lambda raw: raw_to_train.get(raw, 255))(street.label)
    found = open_label_map(trained, label_space=space, kind=MapKind.TRAIN_IDS)
    np.testing.assert_array_equal(found.label, street.label)
    with pytest.raises(DatasetError, match=r"255 \(1 pixels\).*255 is the void value of \*train ids\*"):
        open_label_map(trained, label_space=space)
    with pytest.raises(DatasetError, match="label map: 26: no train ids"):
        open_label_map(np.array([[26, 0]]), label_space=space, kind=MapKind.TRAIN_IDS)
    with pytest.raises(ConfigurationError, match="kind=train_ids is Cityscapes'"):
        open_label_map(trained, label_space=rooms(), kind=MapKind.TRAIN_IDS)


def test_train_ids_by_the_name_of_their_file(street, ids, write):
    raw_to_train = {raw: train for train, raw in TRAIN_IDS.items()}
    trained = np.vectorize(lambda raw: raw_to_train.get(raw, 255))(street.label).astype(np.uint8)
    for name in ("a_gtFine_labelTrainIds.png", "b_labelTrainIds.png"):
        for file in (write(name, trained), str(write(name, trained))):
            np.testing.assert_array_equal(open_label_map(file, label_space=ids).label, street.label)
    with pytest.raises(DatasetError, match="255 is the void value"):
        open_label_map(write("labelTrainIds.png", trained), label_space=ids)
    sketch = np.array([[0, 13]], np.uint8)  # a road and a car, or nothing and a fence
    file = write("sketch_labelTrainIds.png", sketch)
    np.testing.assert_array_equal(open_label_map(file, label_space=ids).label, [[7, 26]])
    np.testing.assert_array_equal(open_label_map(file, label_space=ids, kind=MapKind.LABEL_IDS).label, sketch)
    with pytest.raises(ConfigurationError, match=r"sketch_labelTrainIds\.png: .*the name \*_labelTrainIds.*=label_ids"):
        open_label_map(file, label_space=rooms())


def test_stuff_that_a_segmenter_numbers_is_stuff(ids):
    found = open_label_map(np.array([[7001, 26001], [7002, 26000]]), label_space=ids)
    np.testing.assert_array_equal(found.label, [[7, 26], [7, 26]])
    np.testing.assert_array_equal(found.instance, [[7, 26000], [7, 26]])
    assert found.remarks[1] == "2 pixels of classes without individuals are numbered: their numbers are left out"


def palette_picture(numbers, colors):
    picture = Image.fromarray(numbers.astype(np.uint8), "L").convert("P")
    picture = Image.frombytes("P", picture.size, numbers.astype(np.uint8).tobytes())
    picture.putpalette(np.array(colors, np.uint8).tobytes())
    return picture


def test_palette_pictures_by_their_colors_or_by_their_numbers(street, ids, tmp_path):
    own = [ids.palette[ids.raw_to_class[raw]] if raw < 34 else (9, 9, 9) for raw in range(256)]
    strange = [(i, 255 - i, 77) for i in range(256)]
    shuffled = np.random.default_rng(0).permutation(256)
    for picture in (
        palette_picture(street.label, own),  # the same whichever way
        palette_picture(street.label, strange),  # colours mean nothing, the numbers are ids
        palette_picture(shuffled[street.label], np.array(own)[np.argsort(shuffled)]),  # only the colours mean something
    ):
        picture.save(tmp_path / "map.png")
        for given in (picture, tmp_path / "map.png"):
            np.testing.assert_array_equal(open_label_map(given, label_space=ids).label, street.label)


def test_palette_pictures_with_a_color_that_means_nothing(street, ids):
    colors = np.zeros((256, 3), np.uint8)
    colors[:34] = [ids.palette[ids.raw_to_class[raw]] for raw in range(34)]
    colors[0] = (9, 99, 9)
    by_number = open_label_map(palette_picture(street.label, colors), label_space=ids)
    np.testing.assert_array_equal(by_number.label, street.label)
    assert by_number.remarks == ()
    by_color = open_label_map(palette_picture(street.label + 100, np.roll(colors, 100, axis=0)), label_space=ids)
    np.testing.assert_array_equal(by_color.label[1:], street.label[1:])
    assert by_color.remarks[0] == "taken for colors"
    assert "#096309 (1 pixels, nearest " in by_color.remarks[1]


def test_maps_of_another_dataset(write):
    space = rooms()
    label = np.random.default_rng(0).integers(0, 60, (6, 7)).astype(np.uint8)
    colors = np.array(space.palette, np.uint8)[label]
    for pixels in (label, label.astype(np.uint16) * 1000, colors):
        np.testing.assert_array_equal(open_label_map(pixels, label_space=space).label, label)


def test_an_opaque_rgba_picture_is_an_rgb_one(street, ids, write):
    path = write("map.png", street.colors(ids), "RGBA")  # as Cityscapes publishes its colour maps
    np.testing.assert_array_equal(open_label_map(path, label_space=ids).label, street.label)


def test_a_kind_is_one_of_those_there_are():
    with pytest.raises(ConfigurationError, match="kind=photo: no kind of label map; choose one of label_ids"):
        MapKind("photo")


def test_coco_categories_are_mapped_by_name(write, street, ids):
    """Numbers that are classes of the model too, but of other names: 1 is a car, 2 a road, ..."""
    file = write("map.png", to_coco(street.instance))
    segments = segments_info(street.instance)
    own = sorted({segment["category_id"] for segment in segments})
    for segment in segments:
        segment["category_id"] = own.index(segment["category_id"]) + 1
    names = [ids.names[ids.raw_to_class[raw]] for raw in own]
    content = {
        "annotations": [{"file_name": "map.png", "segments_info": segments}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
    }
    file.with_suffix(".json").write_text(json.dumps(content))
    found = open_label_map(file, label_space=ids)
    np.testing.assert_array_equal(found.label, street.label)
    np.testing.assert_array_equal(found.instance, street.instance)
    content["categories"][0]["name"] = "road-merged"
    file.with_suffix(".json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"map\.png: no classes of this model: road-merged \(\d+ pixels\)"):
        open_label_map(file, label_space=ids)
    content["categories"].pop(0)
    file.with_suffix(".json").write_text(json.dumps(content, indent=1))
    with pytest.raises(DatasetError, match=r"has category_id 1, which is not among the \d `categories`"):
        open_label_map(file, label_space=ids)
    content["categories"] = [{"name": "car"}]
    file.with_suffix(".json").write_text(json.dumps(content, indent=2))
    with pytest.raises(DatasetError, match=r"not the JSON of a COCO panoptic dataset.*KeyError"):
        open_label_map(file, label_space=ids, kind=MapKind.COCO_PANOPTIC)
