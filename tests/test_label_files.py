"""Label spaces from custom files."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from oasis.errors import ConfigurationError
from oasis.label_files import generated_palette, parse_classes
from oasis.labels import LabelSpace, built_in_names
from oasis.synthesis.palette import Palette

ROOT = Path(__file__).parents[1]

SPACE = """
ignore: nothing
classes:
  - {name: nothing, ids: [0, 255]}
  - {name: cat, ids: [3], color: [9, 8, 7], thing: true}
  - {name: lawn, ids: [], scored: false}
"""
SCENE_PARSING = """\
Idx,Ratio,Train,Val,Stuff,Name
1,0.1576,11664,1172,1,wall
2,0.1072,6046,612,1,building;edifice
8 ,0.0231,1906,199,0,bed
"""
VISTAS = {
    "labels": [
        {"color": [255, 255, 255], "instances": True, "readable": "Bird", "name": "animal--bird", "evaluate": True},
        {"color": [255, 255, 255], "instances": False, "readable": "Snow", "name": "nature--snow", "evaluate": True},
        {"color": [1, 0, 0], "instances": False, "readable": "Other", "name": "object--other", "evaluate": False},
        {"color": [2, 0, 0], "instances": False, "readable": "Other", "name": "void--other", "evaluate": True},
        {"color": [0, 0, 0], "instances": False, "readable": "Unlabeled", "name": "void--unlabeled", "evaluate": False},
    ],
    "version": "2.0",
}


@pytest.fixture
def write(tmp_path):
    def file(text):
        path = tmp_path / "classes.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return file


def test_the_contents_of_a_file(write):
    space = LabelSpace.from_file(write(SPACE))
    assert space.names == ("nothing", "cat", "lawn")
    assert space.palette == (generated_palette(3)[0], (9, 8, 7), generated_palette(3)[2])
    assert (space.things, space.ignore_index, space.evaluated) == ({1}, 0, {1})
    known = {raw: index for raw, index in enumerate(space.raw_to_class) if index >= 0}
    assert known == {0: 0, 255: 0, 3: 1}


def test_json_of_the_same_structure(write):
    path = write(SPACE)
    other = path.with_suffix(".json")
    other.write_text(json.dumps(yaml.safe_load(SPACE)))
    assert LabelSpace.from_file(other) == LabelSpace.from_file(path)


def test_every_built_in_space_is_such_a_file():
    for name in built_in_names():
        path = next(ROOT.glob(f"oasis/label_spaces/{name}.yaml"))
        assert LabelSpace.built_in(name) == LabelSpace(**parse_classes(yaml.safe_load(path.read_text()), path))


@pytest.mark.parametrize("name", ["objectInfo150.csv", "objectInfo150.txt"])
def test_the_table_of_scene_parsing(tmp_path, name):
    text = SCENE_PARSING
    if name.endswith("txt"):
        text = text.replace(",", "\t").replace(";", ", ")
    (tmp_path / name).write_text(text)
    space = LabelSpace.from_file(tmp_path / name)
    assert space.names == ("unknown", "wall", "building", "bed")
    assert (space.things, space.ignore_index, space.evaluated) == ({3}, 0, {1, 2, 3})
    assert {raw: index for raw, index in enumerate(space.raw_to_class) if index >= 0} == {0: 0, 1: 1, 2: 2, 8: 3}


def test_a_table_without_the_column_stuff(tmp_path):
    """As in the first release of SceneParsing: nothing says what has instances."""
    path = tmp_path / "objectInfo150.txt"
    path.write_text("Idx\tRatio\tTrain\tVal\tName\n1\t0.2\t1\t1\twall\n2 \t0.1\t1\t1\tperson, soul\n")
    space = LabelSpace.from_file(path)
    assert (space.names, space.things) == (("unknown", "wall", "person"), frozenset())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Name", "Label", "its first line names no column Name"),
        ("8 ,", "x,", "line 4: Idx='x'"),
        (",0,bed", ",2,bed", "line 4: Idx='8', Stuff='2'"),
        ("8 ,", "2,", "raw id 2 is 'building' and 'bed'"),
        ("8 ,", "300,", r"class 3, 'bed': ids=\[300\]"),
        (",bed", ",wall", "class 3, 'wall': this name is given twice"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path, old, new, words):
    path = tmp_path / "classes.csv"
    path.write_text(SCENE_PARSING.replace(old, new))
    with pytest.raises(ConfigurationError, match=f"classes.csv: .*{words}"):
        LabelSpace.from_file(path)


def test_the_configuration_of_mapillary_vistas(tmp_path):
    path = tmp_path / "config_v2.0.json"
    path.write_text(json.dumps(VISTAS))
    space = LabelSpace.from_file(path)
    assert space.names == ("Bird", "Snow", "object--other", "void--other", "Unlabeled")
    assert space.palette == tuple(tuple(label["color"]) for label in VISTAS["labels"])
    assert (space.things, space.ignore_index, space.evaluated) == ({0}, 4, {0, 1, 3})
    assert space.raw_to_class[:6] == (0, 1, 2, 3, 4, -1)


def test_a_label_of_mapillary_without_a_readable_name_keeps_its_own(tmp_path):
    labels = [dict(label) for label in VISTAS["labels"]]
    labels[0]["readable"] = 7
    del labels[1]["readable"]
    (tmp_path / "config.json").write_text(json.dumps({"labels": labels}))
    space = LabelSpace.from_file(tmp_path / "config.json")
    assert space.names == ("animal--bird", "nature--snow", "object--other", "void--other", "Unlabeled")


def test_a_configuration_of_another_dataset(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"labels": VISTAS["labels"][:4]}))
    with pytest.raises(ConfigurationError, match=r"config\.json: no label is called void--unlabeled"):
        LabelSpace.from_file(path)
    path.write_text(json.dumps({"labels": [{"id": 3}]}))
    with pytest.raises(ConfigurationError, match=r"config\.json: label 0 has no name"):
        LabelSpace.from_file(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ignore: nothing", "ignore: void", "ignore='void' is the name of no class"),
        ("ignore: nothing", "ignore: noting", "ignore='noting' .* Is 'nothing' meant"),
        ("ignore: nothing", "", "ignore=None is the name of no class"),
        ("classes:", "clases:", "'clases' is none of ignore, classes. Is 'classes' meant"),
        ("classes:", "classes: 3 #", "not a class file that can be read"),
        ("name: cat", "name: nothing", "class 1, 'nothing': this name is given twice"),
        ("name: cat", "name: no", "class 1, False: each class needs a name"),
        ("thing: true", "things: true", "class 1, 'cat': 'things' is none of name, ids.* Is 'thing' meant"),
        ("thing: true", "thing: 1", "class 1, 'cat': thing=1 must be true or false"),
        ("scored: false", "scored: never", "class 2, 'lawn': scored='never' must be true or false"),
        ("thing: true", "scored: false", "no class is scored"),
        ("ids: []", "color: [9, 8, 7], ids: []", None),  # allowed, since it is not scored
        ("ids: [3]", "ids: [256]", r"class 1, 'cat': ids=\[256\] must be a list of raw ids, 0 to 255"),
        ("ids: [3]", "ids: 3", "ids=3 must be a list"),
        ("ids: [3]", "ids: [-1]", r"ids=\[-1\] must be a list of raw ids"),
        ("ids: [3]", "ids: [3, 3]", "class 1, 'cat': raw id 3 is given twice"),
        ("ids: [3]", "ids: [0]", "raw id 0 is 'nothing' and 'cat'"),
        ("[9, 8, 7]", "[9, 8]", r"color=\[9, 8\] must be three numbers"),
        ("classes:", "\tclasses:", "not a class file that can be read"),
    ],
)
def test_what_is_wrong_is_named(write, old, new, words):
    assert old in SPACE
    path = write(SPACE.replace(old, new))
    if words is None:
        LabelSpace.from_file(path)
        return
    with pytest.raises(ConfigurationError, match=f"classes.yaml: .*{words}"):
        LabelSpace.from_file(path)


def test_a_color_given_twice(write):
    path = write(SPACE.replace("ids: [], scored: false", "ids: [4], color: [9, 8, 7]"))
    with pytest.raises(ConfigurationError, match=r"classes\.yaml: color=\[9, 8, 7\] is 'cat' and 'lawn'"):
        LabelSpace.from_file(path)


def test_generated_colors_are_none_of_the_given(write):
    """The first two that would be generated are those of the road and of the unscored sky."""
    first, second = generated_palette(3)[1:]
    classes = [
        {"name": "void", "ids": [0]},
        {"name": "new", "ids": [1]},
        {"name": "other", "ids": [4]},
        {"name": "road", "ids": [2], "color": list(first)},
        {"name": "sky", "ids": [3], "color": list(second), "scored": False},
    ]
    space = LabelSpace.from_file(write(yaml.safe_dump({"ignore": "void", "classes": classes})))
    assert len(set(space.palette)) == 5
    assert (space.palette[0], space.palette[3:]) == ((0, 0, 0), (first, second))
    colors = np.array([[space.palette[1], space.palette[2], first, second]], np.uint8)
    assert Palette.of(space).read(colors, "map.png")[0].tolist() == [[1, 4, 2, 3]]


def test_every_color_is_another_whatever_is_given():
    given = [list(color) for color in generated_palette(256)[1:129]]
    classes = [{"name": f"{i}", "ids": [i], **({"color": given[i - 128]} if i >= 128 else {})} for i in range(256)]
    assert len(set(LabelSpace.from_classes(classes, "0").palette)) == 256


def test_a_file_without_any_raw_id(write):
    path = write(SPACE.replace("ids: [0, 255]", "ids: []").replace("ids: [3]", "ids: []"))
    with pytest.raises(ConfigurationError, match=r"classes\.yaml: no class has a raw id"):
        LabelSpace.from_file(path)


def test_a_list_instead_of_a_file_with_classes(write):
    with pytest.raises(ConfigurationError, match=r"classes\.yaml: a label space has a list `classes`"):
        LabelSpace.from_file(write("[1, 2]"))


@pytest.mark.parametrize("count", [256, 257])
def test_at_most_256_classes(write, count):
    ids = [[raw] for raw in range(256)] + [[]]
    classes = [{"name": f"class {index}", "ids": ids[index]} for index in range(count)]
    path = write(yaml.safe_dump({"ignore": "class 0", "classes": classes}))
    if count == 256:
        assert LabelSpace.from_file(path).num_classes == 256
    else:
        with pytest.raises(ConfigurationError, match=r"classes\.yaml: 257 classes, but .* at most 256"):
            LabelSpace.from_file(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: no such class file; looked for from /"):
        LabelSpace.from_file(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigurationError, match=r"classes\.png: not a class file by its name, .* end in \.yaml"):
        LabelSpace.from_file(tmp_path / "classes.png")
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "half.json").write_text('{"classes": [')
    for name in ("folder.yaml", "bytes.yaml", "half.json"):
        with pytest.raises(ConfigurationError, match=rf"{name}: not a class file that can be read"):
            LabelSpace.from_file(tmp_path / name)


def test_the_page_lists_every_built_in_space_with_its_numbers():
    page = (ROOT / "docs" / "label-spaces.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \+ `(\w+)` \| (\d+) \| ", page, re.MULTILINE)
    spaces = {name: LabelSpace.built_in(name) for name in built_in_names()}
    assert rows == [
        (name, str(space.num_classes - 1), space.names[space.ignore_index], str(len(space.things)))
        for name, space in spaces.items()
    ]


def test_the_example_of_the_page(write):
    page = (ROOT / "docs" / "label-spaces.md").read_text()
    space = LabelSpace.from_file(write(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]))
    assert space.names == ("unlabelled", "road", "tree", "car", "own bonnet")
    assert space.evaluated == {1, 2, 3}
