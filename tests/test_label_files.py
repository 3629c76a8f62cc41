"""Label spaces from custom files."""

import pytest

from oasis.errors import ConfigurationError
from oasis.label_files import generated_palette
from oasis.labels import LabelSpace

SPACE = """
ignore: nothing
classes:
  - {name: nothing, ids: [0, 255]}
  - {name: cat, ids: [3], color: [9, 8, 7], thing: true}
  - {name: lawn, ids: [], scored: false}
"""


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


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ignore: nothing", "ignore: void", "ignore='void' is the name of no class"),
        ("classes:", "kinds:", "has a list `classes`"),
        ("name: cat", "name: nothing", "class 1, 'nothing': this name is given twice"),
        ("name: cat", "name: no", "class 1, False: each class needs a name"),
        ("thing: true", "things: true", "class 1, 'cat': 'things' is none of name, ids"),
        ("ids: [3]", "ids: [256]", r"class 1, 'cat': ids=\[256\] must be a list of raw ids, 0 to 255"),
        ("ids: [3]", "ids: 3", "ids=3 must be a list"),
        ("ids: [3]", "ids: [0]", "raw id 0 is 'nothing' and 'cat'"),
        ("[9, 8, 7]", "[9, 8]", r"color=\[9, 8\] must be three numbers"),
        ("classes:", "\tclasses:", "not a label space that can be read"),
    ],
)
def test_what_is_wrong_is_named(write, old, new, words):
    path = write(SPACE.replace(old, new))
    with pytest.raises(ConfigurationError, match=f"classes.yaml: .*{words}"):
        LabelSpace.from_file(path)


def test_no_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: not a label space"):
        LabelSpace.from_file(tmp_path / "nowhere.yaml")
