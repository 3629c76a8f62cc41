"""`oasis convert`."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.data.panoptic import find_format


def oasis(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def maps(tiny):
    return tiny.root / "gtFine"


def test_there_and_back(maps, ids, tmp_path):
    done = oasis("convert", maps, tmp_path / "coco", "--to", "coco")
    assert done.exit_code == 0, done.output
    assert "10 maps written" in done.output
    categories = json.loads((tmp_path / "coco" / "panoptic.json").read_text())["categories"]
    assert {"id": 26, "name": "car", "isthing": 1} in categories
    done = oasis("convert", tmp_path / "coco" / "panoptic", tmp_path / "back", "--to", "cityscapes")
    assert done.exit_code == 0, done.output
    form = find_format("cityscapes")(ids)
    originals, found = (sorted(form.find(folder).values()) for folder in (maps, tmp_path / "back"))
    for one, other in zip(originals, found, strict=True):
        np.testing.assert_array_equal(form.read(one).instance, form.read(other).instance)


def test_what_cannot_be_stored_is_printed(maps, tmp_path):
    done = oasis("convert", maps, tmp_path / "out", "--to", "mapillary")
    assert "not stored exactly: 10 group regions, stored as one instance each" in done.output


def test_other_classes(tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.array([[13 * 256 + 4, 8 * 256 + 1]], np.uint16)).save(tmp_path / "in" / "a.png")
    arguments = ("--from", "mapillary", "--to", "ade20k", "--set", "label_space=ade20k")
    done = oasis("convert", tmp_path / "in", tmp_path / "out", *arguments)
    assert done.exit_code == 0, done.output
    written = np.asarray(Image.open(tmp_path / "out" / "annotations_instance" / "a.png"))
    assert (written[..., 1] > 0).sum() == 2  # person and bed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "vistas"), "No panoptic format is called 'vistas'"),
        (("--to", "coco", "--from", "bdd100k"), "a picture of mode"),
        (("--to", "coco", "--set", "label_space=nope"), "label_space"),
    ],
)
def test_bad_input_is_one_line(arguments, words, maps, tmp_path):
    done = oasis("convert", maps, tmp_path / "out", *arguments)
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
