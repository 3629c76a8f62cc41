"""An imported official generator, taken by the other commands like any checkpoint."""

import json

import numpy as np
import pytest
import torch
from layouts import write_ade20k, write_coco_stuff
from official_states import generator_shapes, made_up
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.segmenters import UNetSegmenter

pytestmark = pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")


def oasis(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def official(tmp_path):
    torch.save(made_up(generator_shapes(35, channels=1, spade=2)), tmp_path / "best_EMA.pth")
    output = tmp_path / "official.ckpt"
    done = oasis("import-official", tmp_path / "best_EMA.pth", "-o", output, "--height", 32, "--width", 64)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "official_cityscapes: 35 classes, noise of 64 channels, pictures of 32x64" in said
    return output


def test_evaluate(official, tiny, tmp_path, ids):
    UNetSegmenter(ids, channels=4, depth=3).save(tmp_path / "segmenter.pt")
    settings = [
        "data=cityscapes",
        f"data.root={tiny.root}",
        f"segmenter.weights={tmp_path / 'segmenter.pt'}",
        "metrics=none",
    ]
    exported = tmp_path / "official.safetensors"
    assert oasis("export", official, "-o", exported).exit_code == 0
    scores = []
    for checkpoint in (official, exported):
        done = oasis("evaluate", checkpoint, *settings, "-o", tmp_path / "out", "--diversity-images", 0)
        assert done.exit_code == 0, done.output
        results = json.loads((tmp_path / "out" / "results.json").read_text())
        assert (results["height"], results["width"], results["columns"][0]["name"]) == (32, 64, "official_cityscapes")
        scores.append(results["columns"][0]["scores"]["segmenter/miou"]["values"])
    assert scores[0] == scores[1]


OTHERS = [
    (151, "ade20k", "74.3 M", write_ade20k, "annotations/validation/val_0000.png"),
    (183, "coco_stuff", "75.2 M", write_coco_stuff, "val_label/val_0000.png"),
]


@pytest.mark.parametrize(("classes", "name", "parameters", "write", "label"), OTHERS)
def test_full_width_weights_of_other_datasets(tmp_path, classes, name, parameters, write, label):
    torch.save(made_up(generator_shapes(classes, channels=64)), tmp_path / "best_EMA.pth")
    output = tmp_path / "official.ckpt"
    done = oasis("import-official", tmp_path / "best_EMA.pth", "-o", output, "--height", 64, "--width", 64)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert f"official_{name}: {classes} classes, noise of 64 channels, pictures of 64x64; " in said
    assert f"generator of {parameters} parameters" in said
    done = oasis("generate", output, write(tmp_path / "data") / label, "-o", tmp_path / "out", "--seed", 1)
    assert done.exit_code == 0, done.output
    picture = np.asarray(Image.open(tmp_path / "out" / "val_0000.png"))
    assert picture.shape == (64, 64, 3)
    assert picture.std() > 1


@pytest.mark.parametrize(("classes", "name", "parameters", "write", "label"), OTHERS)
def test_weights_of_other_datasets_know_their_layout(tmp_path, classes, name, parameters, write, label):
    """Only the folder is left to name."""
    torch.save(made_up(generator_shapes(classes, channels=1, spade=2)), tmp_path / "best_EMA.pth")
    output = tmp_path / "official.ckpt"
    oasis("import-official", tmp_path / "best_EMA.pth", "-o", output, "--height", 32, "--width", 32)
    root = f"data.root={write(tmp_path / 'data')}"
    done = oasis("evaluate", output, root, "metrics=none", "segmenter=none", "-o", tmp_path / "scores")
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "scores" / "results.json").read_text())
    assert (results["images"], results["columns"][0]["name"]) == (2, f"official_{name}")


def test_numbers_of_classes_that_no_label_space_has(tmp_path):
    torch.save(made_up(generator_shapes(134, channels=1, spade=2)), tmp_path / "best_EMA.pth")
    done = oasis("import-official", tmp_path / "best_EMA.pth", "-o", tmp_path / "official.ckpt")
    assert done.exit_code == 1
    said = " ".join((done.output + done.stderr).split())
    assert "its generator reads 198 channels" in said
    assert "151 (ade20k), 183 (coco_stuff) classes, with 64 channels of noise or none; --noise-dim" in said
    assert not (tmp_path / "official.ckpt").exists()


def test_evaluate_asks_for_a_dataset(official, tmp_path):
    done = oasis("evaluate", official, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "data.root" in done.output + done.stderr


def test_errors_take_one_line(official, tmp_path):
    done = oasis("import-official", official, "-o", tmp_path / "again.ckpt")
    assert done.exit_code == 1
    assert "a checkpoint of this project already" in done.output + done.stderr
    done = oasis("export", official, "-o", tmp_path / "model.pth")
    assert done.exit_code == 1
    assert "must end in .safetensors, .onnx, .pt2" in " ".join((done.output + done.stderr).split())
