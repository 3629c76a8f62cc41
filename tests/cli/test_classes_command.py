"""`oasis classes`, as typed."""

import re

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.data.files.reading import read_label_ids
from oasis.labels import LabelSpace


def oasis(*arguments):
    done = CliRunner().invoke(app, ["classes", *map(str, arguments)])
    return done.exit_code, done.stdout, re.sub(r"\s+", " ", done.stdout + done.stderr)


@pytest.fixture
def folder(tmp_path):
    """Two label maps of 10x10: 7 and 255 in one, 7 and 9 in the other; and a hidden file that is no map."""
    maps = [np.full((10, 10), 7, np.uint8) for _ in range(2)]
    maps[0][:3] = 255
    maps[1][0, 0] = 9
    for number, ids in enumerate(maps):
        path = tmp_path / "maps" / f"city {number}" / "one.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(ids).save(path)
    for stray in ("._one.png", "@eaDir/one.png", "city 0/__MACOSX/one.png"):
        (tmp_path / "maps" / stray).parent.mkdir(exist_ok=True)
        (tmp_path / "maps" / stray).write_bytes(b"junk")
    (tmp_path / "maps" / "Thumbs.db").write_bytes(b"junk")
    return tmp_path / "maps"


def test_a_draft_is_a_class_file_with_shares(folder, tmp_path):
    output = tmp_path / "new" / "classes.yaml"
    code, _, said = oasis(folder, "--output", output)
    assert code == 0, said
    assert "3 ids in 2 label maps" in said
    assert f"Next: name the classes and mark the things in it, then label_space=file label_space.path={output}" in said
    space = LabelSpace.from_file(output)
    assert space.names == ("unlabelled", "class_7", "class_9")
    assert {raw: index for raw, index in enumerate(space.raw_to_class) if index >= 0} == {255: 0, 7: 1, 9: 2}
    assert (space.ignore_index, space.things) == (0, frozenset())
    lines = output.read_text().splitlines()
    assert "  - {name: unlabelled, ids: [255]} # 15 % of the pixels, in 1 of 2 maps" in lines
    assert "  - {name: class_7, ids: [7]} # 84.5 % of the pixels, in 2 of 2 maps" in lines
    assert "  - {name: class_9, ids: [9]} # 0.5 % of the pixels, in 1 of 2 maps" in lines
    code, _, said = oasis(folder, "--output", output)
    assert code == 1
    assert "classes.yaml: exists already" in said


def test_without_an_output_it_is_printed_and_nothing_else_is(folder):
    code, printed, _ = oasis(folder, "--pattern", "one.png", "--workers", 1)
    assert code == 0
    assert [entry["name"] for entry in yaml.safe_load(printed)["classes"]] == ["unlabelled", "class_7", "class_9"]


def test_a_class_for_the_unlabelled_is_there_without_255(tiny):
    code, printed, said = oasis(tiny.root, "--pattern", "*_labelIds.png")
    assert code == 0, said
    classes = yaml.safe_load(printed)["classes"]
    assert classes[0] == {"name": "unlabelled", "ids": []}
    assert [entry["ids"] for entry in classes[1:]] == [[0], [7], [23], [24], [26]]


@pytest.mark.parametrize("name", ["camvid", "cityscapes_ids", "bdd100k_semantic"])
def test_a_label_space_with_exactly_these_ids_is_told(tmp_path, name):
    ids = [raw for raw, index in enumerate(LabelSpace.built_in(name).raw_to_class) if index >= 0]
    Image.fromarray(np.array([ids], np.uint8)).save(tmp_path / "map.png")
    assert f"label_space={name} has exactly these ids" in oasis(tmp_path)[2]
    Image.fromarray(np.array([ids[1:]], np.uint8)).save(tmp_path / "map.png")
    assert f"label_space={name} has" not in oasis(tmp_path)[2]


def test_maps_are_read_as_in_training(tmp_path):
    """Palettes, equal channels and 16 bits: all hold 7 and 9."""
    ids = np.array([[7, 9]], np.uint8)
    palette = Image.fromarray(ids).convert("P")
    palette.putpalette([255, 0, 0] * 256)
    palette.save(tmp_path / "palette.png")
    Image.fromarray(np.repeat(ids[..., None], 3, 2)).save(tmp_path / "channels.png")
    Image.fromarray(ids.astype(np.uint16)).save(tmp_path / "sixteen.tif")
    (tmp_path / "Thumbs.db").write_bytes(b"junk")
    code, printed, said = oasis(tmp_path, "--pattern", "*")
    assert code == 0, said
    assert [entry["ids"] for entry in yaml.safe_load(printed)["classes"]] == [[], [7], [9]]
    for path in tmp_path.glob("*.[pt]*"):
        assert read_label_ids(path).tolist() == [[7, 9]]


def test_what_cannot_be_drafted_from(folder, tmp_path):
    def refused(*arguments):
        code, _, said = oasis(*arguments)
        assert code == 1
        return said

    assert "nowhere: no such folder" in refused(tmp_path / "nowhere")
    assert "no file below it is called *.tif" in refused(folder, "--pattern", "*.tif")
    assert "classes.txt: the draft is YAML" in refused(folder, "-o", "classes.txt")
    Image.new("RGB", (4, 4), (128, 64, 0)).save(folder / "color.png")
    assert re.search(r"color\.png: mode RGB, but .* This looks like a colour map", refused(folder))
    Image.new("L", (4, 4), 255).save(folder / "color.png")
    assert "all pixels of its 1 label maps are 255, unlabelled" in refused(folder, "--pattern", "color.png")
