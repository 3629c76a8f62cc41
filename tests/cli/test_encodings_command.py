"""`oasis encodings`, and the page that shows its picture."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from panoptic_maps import to_panoptic
from PIL import Image
from typer.testing import CliRunner

import oasis
import oasis.encodings
from oasis.cli import app, conf
from oasis.cli.conf import encoding_names, load_encodings
from oasis.data.files import reading
from oasis.encodings import Encoding, OrderSensitivity
from oasis.inspection.encoding_cards import all_cards, panels
from oasis.inspection.samples import synthetic_street
from oasis.inspection.sheet import Card, Panel, draw_sheet

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "encodings.md").read_text()


@pytest.fixture
def run():
    """Runs `oasis WORDS`; returns exit code, stdout and stderr."""

    def invoke(*words):
        result = CliRunner().invoke(app, [str(word) for word in words])
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def street(ids):
    return synthetic_street(0, 64, 128, ids)


def test_help_lists_the_commands(run):
    code, out, _ = run("--help")
    assert code == 0
    assert re.search(r"^\W*encodings ", out, re.MULTILINE)


def test_every_encoding_of_the_folder_is_drawn(run, tmp_path, street):
    output = tmp_path / "deep" / "all.png"
    code, out, err = run("encodings", "--output", output, "--height", 64, "--width", 128)
    assert code == 0, err
    count = len(encoding_names())
    assert re.search(rf"{count} encodings of synthetic street 0: .*all\.png \(\d+x\d+, \d+ kB\)", out.replace("\n", ""))
    cards = all_cards(street, load_encodings(encoding_names()))
    assert {card.title for card in cards} == {"photo", "classes", "instances"} | {
        path.stem for path in (ROOT / "conf" / "encoding").glob("*.yaml")
    }
    assert Image.open(output).size == draw_sheet(cards).size
    for card in cards:
        assert {panel.picture.size for panel in card.panels} == {(512, 256)}
        assert all(len(np.unique(np.asarray(panel.picture))) > 1 for panel in card.panels), card.title


def test_the_same_picture_every_time_and_another_street_for_another_index(run, tmp_path):
    for name, index in (("a", 0), ("b", 0), ("c", 1)):
        words = ("--encoding", "instance_noise", "--index", index, "--height", 32, "--width", 64)
        assert run("encodings", "-o", tmp_path / f"{name}.png", *words)[0] == 0
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_a_sample_of_a_dataset(run, tiny, tmp_path):
    chosen = ("--encoding", "semantic", "--encoding", "boundary")
    code, out, err = run(
        "encodings",
        "-o",
        tmp_path / "x.png",
        "data=cityscapes",
        f"data.root={tiny.root}",
        "--index",
        2,
        "--height",
        64,
        "--width",
        128,
        *chosen,
    )
    assert code == 0, err
    assert "2 encodings of town_000102_000019" in out


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["data.height=64", "data.width=96"], (64, 96)),
        (["++data.height=64", "--width", 96], (64, 96)),
        (["--height", 64, "data.height=64"], (64, 512)),
        ([], (256, 512)),
    ],
)
def test_the_size_that_is_drawn_is_the_one_that_is_given(run, tiny, tmp_path, monkeypatch, words, size):
    drawn = []

    def cards(sample, encodings):
        drawn.append(tuple(sample.label.shape[-2:]))
        return all_cards(sample, encodings)

    monkeypatch.setattr("oasis.inspection.encoding_cards.all_cards", cards)
    dataset = ("data=cityscapes", f"data.root={tiny.root}", "--encoding", "semantic")
    code, _, err = run("encodings", "-o", tmp_path / "x.png", *dataset, *words)
    assert code == 0, err
    assert drawn == [size]


def test_a_path_with_brackets_is_printed_as_it_is(run, tmp_path):
    output = tmp_path / "enc[red]x[/y].png"
    code, out, err = run("encodings", "-o", output, "--encoding", "semantic", "--height", 32, "--width", 64)
    assert code == 0, err
    assert str(output) in out.replace("\n", "")
    assert output.is_file()


def test_instance_maps_are_asked_for_only_where_they_are_needed(run, tiny, tmp_path):
    tiny.instance("val", "town_000101_000019").unlink()
    words = ("encodings", "-o", tmp_path / "x.png", "data=cityscapes", f"data.root={tiny.root}", "--encoding")
    assert run(*words, "semantic")[0] == 0
    code, _, err = run(*words, "boundary")
    assert code == 1
    assert "no instance map" in err
    assert "semantic" in err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--output", "x.jpg"], r"error: --output x\.jpg.*x\.png"),
        (["--output", "x.png", "--encoding", "nope"], r"error: No encoding is called 'nope'.*boundary.*semantic"),
        (["--output", "x.png", "data=cityscapes", "data.root=nowhere"], r"error: No dataset at data\.root=nowhere"),
        (["--output", "x.png", "data=cityscapes", "TINY", "--split", "all"], r"error: --split all.*train, val, test"),
        (["--output", "x.png", "data=cityscapes", "TINY", "--index", "3"], r"error: --index 3.*3 samples.*--index 2"),
        (["--output", "x.png/y.png", "--encoding", "semantic"], r"error: .*x\.png"),
        (
            ["--output", "x.png", "data=cityscapes", "TINY", "data.height=64", "--height", "32"],
            r"error: --height 32 and data\.height=64 contradict each other",
        ),
        (
            ["--output", "x.png", "data=cityscapes", "TINY", "data.width=wide"],
            r"error: data\.width=wide: must be a whole",
        ),
        (["--output", "x.png", "data=cityscapes", "TINY", "data.width=0"], r"error: data\.width=0: at least 32 pixels"),
    ],
)
def test_what_the_user_can_mend_is_one_line_without_traceback(run, tiny, tmp_path, monkeypatch, words, error):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.png").write_text("in the way")
    code, out, err = run("encodings", *(f"data.root={tiny.root}" if word == "TINY" else word for word in words))
    assert code == 1
    assert not out
    assert re.fullmatch(error + ".*\n", err), err


def test_an_installation_without_its_settings(run, tmp_path, monkeypatch):
    monkeypatch.setattr(conf.oasis, "__file__", str(tmp_path / "oasis" / "__init__.py"))
    code, _, err = run("encodings", "-o", tmp_path / "x.png")
    assert code == 1
    assert re.match(r"error: The settings are missing: no train\.yaml in .*conf.*Install panoptic-oasis again", err)


def test_cards_go_into_the_first_row_with_room():
    def card(count, color):
        return Card(color, "", [Panel(Image.new("RGB", (450, 20), color), "")] * count)

    sheet = draw_sheet([card(2, "red"), card(2, "lime"), card(1, "blue"), card(1, "yellow")])
    middle = [sheet.getpixel((sheet.width * (2 * column + 1) // 6, 12 + 44 + 10)) for column in range(3)]
    assert middle == [(255, 0, 0), (255, 0, 0), (0, 0, 255)]
    below = [
        sheet.getpixel((sheet.width * (2 * column + 1) // 6, sheet.height // 2 + 6 + 44 + 10)) for column in range(3)
    ]
    assert below == [(0, 255, 0), (0, 255, 0), (255, 255, 0)]


# The page


def block(language, containing):
    return next(text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if containing in text)


def test_the_example_on_the_page_is_an_encoding(street, monkeypatch):
    namespace = {}
    exec(block("python", "class Area"), namespace)
    monkeypatch.setattr(oasis.encodings, "Area", namespace["Area"], raising=False)
    config = OmegaConf.create(block("yaml", "Area"))
    space = {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}
    encoding = instantiate(OmegaConf.merge(config, {"label_space": space}))
    assert isinstance(encoding, Encoding)
    assert encoding.channels == 36
    label, instance = torch.stack([street.label] * 2), torch.stack([street.instance, 0 * street.instance])
    encoded = encoding(label, instance)
    assert encoded.shape == (2, 36, 64, 128)
    assert encoded.dtype == torch.float32
    assert torch.equal(encoded[:, :35].argmax(1), label)
    for k in instance.unique().tolist():
        expected = (instance[0] == k).sum() / (64 * 128) if k else 0.0
        assert (encoded[0, 35][instance[0] == k] == expected).all()
    assert (encoded[1, 35] == 0).all()
    count = int(instance.max())
    renumbered = torch.where(instance > 0, count + 1 - instance, 0)
    assert torch.equal(encoding(label, renumbered), encoded)
    assert len(panels(encoding, street)) == 1  # drawn without a registered drawing


def test_the_conversion_on_the_page_works(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ids = reading.read_instance_ids(tiny.instance("train", "town_000000_000019"))
    Path("mine").mkdir()
    Image.fromarray(to_panoptic(ids).astype(np.uint16)).save("mine/town.png")
    (command,) = re.findall("^    oasis (convert mine .*)$", PAGE, re.MULTILINE)
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
    label = reading.read_label_ids(tiny.label("train", "town_000000_000019"))
    assert np.array_equal(reading.read_instance_ids(Path("converted/town_instanceIds.png")), ids)
    assert np.array_equal(reading.read_label_ids(Path("converted/town_labelIds.png")), label)


def test_the_table_on_the_page_is_true():
    words = {
        OrderSensitivity.SAME: "same",
        OrderSensitivity.SAME_DISTRIBUTION: "same in distribution",
        OrderSensitivity.DIFFERENT: "different",
    }
    rows = re.findall(r"^\| `(\w+)` \| C(?: \+ (\d+))? \|.*\| ([a-z ]+) \|$", PAGE, re.MULTILINE)
    encodings = load_encodings(encoding_names())
    assert {(name, int(more or 0), renumbered) for name, more, renumbered in rows} == {
        (name, encoding.channels - 35, words[encoding.order_sensitivity]) for name, encoding in encodings.items()
    }


def test_the_picture_on_the_page_is_small_enough_to_load_at_once():
    assert (ROOT / "docs" / "encodings.png").stat().st_size < 620_000
