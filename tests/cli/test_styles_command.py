"""`oasis styles`, and `oasis generate --style` for models with a style per segment."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from oasis.checkpoint import restore
from oasis.checkpoint.clusters import clusters_file, read_clusters
from oasis.cli import app

pytestmark = pytest.mark.filterwarnings("ignore:The perceptual term")


def oasis(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, (done.output + done.stderr).replace("\n", "")


@pytest.fixture
def run(trained):
    return trained("features", "model=pix2pixhd_features", "trainer.max_steps=4")


@pytest.fixture
def last(run):
    return run / "checkpoints" / "last.ckpt"


@pytest.fixture
def photo(tmp_path):
    picture = Image.new("RGB", (30, 20), "red")
    picture.paste("black", (0, 10, 30, 20))
    picture.save(tmp_path / "car.png")
    return tmp_path / "car.png"


def picture(folder):
    (path,) = [each for each in folder.rglob("*.png") if each.stem != "contact_sheet"]
    return Image.open(path)


def test_clusters_are_those_of_the_training_segments(run, last, tiny):
    code, said = oasis("styles", run)
    assert code == 0, said
    assert "car: 10 clusters of 14 segments" in said  # two in each of seven photos
    assert "sky: 7 clusters of 7 segments" in said
    assert "person: 7 clusters of 7 segments" in said  # a group, which is no instance
    assert f"Written: {clusters_file(last)}" in said
    restored = restore(last)
    clusters = read_clusters(restored.encoding, restored.generator, last)
    sky = restored.label_space.names.index("sky")
    expected = []
    for path in sorted((tiny.root / "leftImg8bit" / "train").rglob("*.png")):
        image = Image.open(path).convert("RGB").resize((64, 32), Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
        label = Image.open(tiny.label("train", path.name.removesuffix("_leftImg8bit.png"))).resize((64, 32), 0)
        with torch.no_grad():
            layers = restored.generator.style_encoder.layers(pixels)
        expected.append(layers[0][:, torch.from_numpy(np.array(label) == 23)].mean(1))
    nearest = (clusters.centers[sky, :7, None] - torch.stack(expected)).abs().amax(2).amin(1)
    assert nearest.max() < 0.01


def test_generate(run, tiny, photo, tmp_path):
    oasis("styles", run)
    street = tiny.instance("val", "town_000100_000019")
    for name, styles in {
        "seed": [],
        "number": ["--style", 3],
        "scene": ["--style", photo],
        "parts": ["--style", f"car={photo}", "--style", "26000=2", "--style", "sky=0"],
    }.items():
        code, said = oasis("generate", run, street, "--output", tmp_path / name, *styles)
        assert code == 0, said
    assert picture(tmp_path / "number").info["style"] == "3"
    assert picture(tmp_path / "scene").info["style"] == "car.png"
    assert picture(tmp_path / "parts").info["style"] == "car=car.png, 26000=2, sky=0"
    found = {name: np.asarray(picture(tmp_path / name)).tobytes() for name in ("seed", "number", "scene", "parts")}
    assert len(set(found.values())) == 4


@pytest.mark.parametrize(
    ("styles", "words"),
    [
        (["10"], r"style 10: there is no such cluster"),
        (["cat=PHOTO"], "the checkpoint knows no class 'cat'. Name one of unlabeled"),
        (["26007=1"], "has no instance 26007"),
        (["3", "car=2"], "a style of the whole picture, or one style for each"),
        (["car=gone.png"], "gone.png"),
        (["car=2", "--samples", "2"], "it decides the look of one picture a map"),
    ],
)
def test_what_does_not_go(run, tiny, photo, tmp_path, styles, words):
    oasis("styles", run)
    options = [word for style in styles for word in (["--style"] if style[0] != "-" and style != "2" else []) + [style]]
    options = [word.replace("PHOTO", str(photo)) for word in options]
    street = tiny.instance("val", "town_000100_000019")
    code, said = oasis("generate", run, street, "--output", tmp_path / "out", *options)
    assert code == 1
    assert words in said
    assert not (tmp_path / "out").exists()


def test_without_clusters_and_with_those_of_another_checkpoint(run, last, fit, tiny, tmp_path):
    street = tiny.instance("val", "town_000100_000019")
    for command in (["generate", run, street], ["evaluate", run, "metrics=none", "segmenter=none"]):
        code, said = oasis(*command, "--output", tmp_path / "out")
        assert code == 1
        assert "no clusters of features were computed, from which segments draw their looks" in said
        assert f"Compute them: oasis styles {last}" in said
    other = fit("other", "model=pix2pixhd_features", "trainer.max_steps=4", "seed=1")
    oasis("styles", other)
    shutil.copy(clusters_file(other / "checkpoints" / "last.ckpt"), clusters_file(last))
    code, said = oasis("generate", run, street, "--output", tmp_path / "out")
    assert code == 1
    assert "last.styles.npz: clusters of another checkpoint" in said
    assert f"oasis styles {last}" in said
    assert oasis("styles", run)[0] == 0
    assert oasis("generate", run, street, "--output", tmp_path / "out")[0] == 0


def test_an_exported_model_keeps_its_clusters(run, last, tiny, tmp_path):
    oasis("styles", run)
    oasis("export", run, "--output", tmp_path / "model.safetensors")
    shutil.copy(clusters_file(last), clusters_file(tmp_path / "model.safetensors"))
    street = tiny.instance("val", "town_000100_000019")
    for name, model in (("a", run), ("b", tmp_path / "model.safetensors")):
        assert oasis("generate", model, street, "--output", tmp_path / name)[0] == 0
    assert np.array_equal(picture(tmp_path / "a"), picture(tmp_path / "b"))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("foo=1", "foo=1: `oasis styles` takes settings of data, label_space only"),
        ("root=/else", "root=/else: `oasis styles` takes"),
        ("metrics=none", "metrics=none: `oasis styles` takes"),
        ("data.rot=/x", "data.rot=/x: not a change of the data"),
        ("++data.root=/nowhere", "No dataset at data.root=/nowhere"),
        ("+data.root=/nowhere", "No dataset at data.root=/nowhere"),
        ("data.flip=[", "data.flip=["),
        ("data.height=abc", "data.height=abc: must be a whole number"),
    ],
)
def test_settings_that_it_does_not_read(run, setting, words):
    code, said = oasis("styles", run, setting)
    assert code == 1
    assert words in said
    assert "Traceback" not in said


def test_models_without_styles_of_segments(trained):
    code, said = oasis("styles", trained("oasis", "trainer.max_steps=4"))
    assert code == 1
    assert "OASISGenerator has no styles of single segments" in said
    assert "model=pix2pixhd_features" in said
