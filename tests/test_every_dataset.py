"""Genuine samples of four datasets through all commands, where OASIS_REAL_DATA names their folder."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.cli.datasets import load_data
from oasis.encodings import Semantic
from oasis.synthesis import Synthesizer

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.filterwarnings("ignore:.*single photo", "ignore:.*generated and.*real", "ignore:.*fewer than the"),
]
SIZE = ["data.height=64", "data.width=64"]
CAMVID = {  # CamVid's 11 classes, at the ids of the sample
    "sky": 23, "building": 11, "pole": 17, "road": 7, "pavement": 8, "tree": 21, "sign": 20, "fence": 13, "car": 26,
    "pedestrian": 24, "bicyclist": 25, "void": 0,
}  # fmt: skip
ENCODINGS = ["semantic", "per_instance_masks", "boundary"]
NAMES = ["ade20k", "coco_stuff", "coco_panoptic", "folder"]
FOLDER = [
    "data.photos=leftImg8bit", "data.photo_suffix=_leftImg8bit", "data.labels=gtFine",
    "data.label_suffix=_gtFine_labelIds", "data.instances='gtFine/*/*/*.png'",
    "data.instance_suffix=_gtFine_instanceIds", "label_space=file",
]  # fmt: skip
# Photos for training and validation, and one label map with a class of it.
CONTENTS = {
    "ade20k": (1, 1, "annotations/validation/ADE_val_00000002.png", "sky"),
    "coco_stuff": (9, 5, "val_label/000000000139.png", "tv"),
    "coco_panoptic": (1, 1, "annotations/panoptic_val2017/000000439180.png", "horse"),
    "folder": (2, 2, "gtFine/val/camvid/camvid_0016e5_007959_gtFine_labelIds.png", "bicyclist"),
}


def genuine(name):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine photos")
    return Path(os.environ["OASIS_REAL_DATA"]) / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two photos a split of CamVid as a plain folder, with a file of its classes."""
    root = tmp_path_factory.mktemp("folder")
    for split in ("train", "val"):
        for photo in sorted((genuine("camvid") / "leftImg8bit" / split).rglob("*.jpg"))[:2]:
            stem = photo.name.removesuffix("_leftImg8bit.jpg")
            for path in (photo, *(genuine("camvid") / "gtFine" / split).rglob(f"{stem}_*Ids.png")):
                place = root / path.relative_to(genuine("camvid"))
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)
    things = ("car", "pedestrian", "bicyclist")
    classes = [{"name": name, "ids": [raw], "thing": name in things} for name, raw in CAMVID.items()]
    (root / "classes.yaml").write_text(yaml.safe_dump({"ignore": "void", "classes": classes}))
    return root


@pytest.fixture(scope="module")
def ade20k_instances(tmp_path_factory):
    """ADE20K with instance maps, which the sample lacks: one individual of each thing class in a photo."""
    root = tmp_path_factory.mktemp("ade20k") / "ade20k_sample"
    shutil.copytree(genuine("ade20k_sample"), root)
    for path in root.glob("annotations/*/*.png"):
        place = root / "annotations_instance" / path.parent.name / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", Image.open(path).size, (0, 1, 0)).save(place)
    return root


@pytest.fixture
def places(folder, ade20k_instances):
    """The root of a dataset, with instance maps where an encoding needs them, and its settings."""

    def find(name, encoding="semantic"):
        root = folder if name == "folder" else genuine(f"{name}_sample")
        if name == "ade20k" and encoding != "semantic":
            root = ade20k_instances
        own = [f"label_space.path={folder / 'classes.yaml'}", *FOLDER] if name == "folder" else []
        return root, [f"data={name}", *own]

    return find


@pytest.fixture
def run(trained, places):
    """A run of two batches."""

    def train(name, encoding):
        root, settings = places(name, encoding)
        short = ("trainer.max_epochs=2", "trainer.limit_train_batches=1", "data.batch_size=1", "generator.init_gain=1")
        return trained(encoding, *settings, f"data.root={root}", *SIZE, f"encoding={encoding}", *short)

    return train


@pytest.fixture
def segmenter(places, tmp_path):
    """A segmenter of a dataset."""

    def train(name):
        root, settings = places(name)
        options = ("--epochs", 1, "--channels", 4, "--depth", 2, "--batch-size", 1, "-o", tmp_path / "segmenter.pt")
        said = oasis("train-segmenter", *settings, f"data.root={root}", *SIZE, "data.num_workers=0", *options)
        assert "real photos that it never saw" in said
        return tmp_path / "segmenter.pt"

    return train


def oasis(*words, code=0):
    """Runs a command; returns what it printed."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output + str(done.exception)
    return done.output


@pytest.mark.parametrize("name", NAMES)
def test_train_evaluate_and_report(run, places, segmenter, tmp_path, name):
    folders = [run(name, encoding) for encoding in ENCODINGS]
    for folder in folders:
        assert (folder / "samples" / "batch_00000002.png").is_file()
    root = f"data.root={places(name, 'boundary')[0]}"  # of the same layout as the runs' own
    words = (root, f"segmenter.weights={segmenter(name)}", "metrics=none", "--diversity-images", 0)
    oasis("evaluate", *folders, *words, "-o", tmp_path / "scores")
    results = json.loads((tmp_path / "scores" / "results.json").read_text())
    assert results["images"] == CONTENTS[name][1]
    for folder, column in zip(folders, results["columns"], strict=True):
        scores = {metric: score["values"] for metric, score in column["scores"].items()}
        assert len(scores["segmenter/miou"]) == 3
        assert ("segmenter/frechet" in scores) == (CONTENTS[name][1] > 1)  # one photo is no distribution
        summary = json.loads((folder / "summary.json").read_text())
        summary["metrics"] = {metric: values[0] for metric, values in scores.items()}
        (folder / "summary.json").write_text(json.dumps(summary))
    oasis("report", *folders, "-o", tmp_path / "report", "--samples", 1)
    page = (tmp_path / "report" / "report.html").read_text()
    assert [encoding for encoding in ENCODINGS if encoding not in page] == []
    assert [*(tmp_path / "report").glob("*samples*.png")]


@pytest.mark.parametrize("name", NAMES)
def test_generate_reads_a_map_as_training_does(run, places, tmp_path, name):
    """Pixel by pixel the class that training read, so that no id is shifted and nothing void became a class."""
    root, settings = places(name)
    folder, path = run(name, "semantic"), root / CONTENTS[name][2]
    oasis("generate", folder, path, "--seed", 1, "-o", tmp_path / "out")
    (picture,) = (each for each in (tmp_path / "out").glob("*.png") if each.name != "contact_sheet.png")
    synthesizer = Synthesizer.from_checkpoint(folder)
    opened = synthesizer.open(path)
    assert CONTENTS[name][3] in opened.class_names
    assert np.array_equal(np.asarray(Image.open(picture)), np.asarray(synthesizer.synthesize(opened, seed=1)))
    data = load_data([*settings, f"data.root={root}", *SIZE], Semantic).dataset("val")
    (sample,) = (each for each in map(data.__getitem__, range(len(data))) if each["name"].split("/")[-1] in path.name)
    read = data.label_space.to_classes(sample["label"]).numpy()
    np.testing.assert_array_equal(opened.resized(64, 64).class_indices, read)


@pytest.mark.parametrize("name", NAMES)
def test_the_app_shows_and_draws(run, places, name):
    pytest.importorskip("gradio")
    from oasis.app.drawing import Stroke
    from oasis.app.limits import Limits
    from oasis.app.model_pool import ModelPool
    from oasis.app.page import build_page
    from oasis.app.session import Session

    pool = ModelPool.from_checkpoints([run(name, "semantic")], "cpu")
    build_page(pool, Limits())
    model, session = pool.model(), Session()
    session.take(model.open(places(name)[0] / CONTENTS[name][2]))
    before = pool.generate(pool.names[0], session.require_map(), seed=0).image
    space = model.label_space
    stuff = next(i for i in reversed(range(space.num_classes)) if i not in space.things and i in space.raw_to_class)
    session.draw(Stroke(space.raw_to_class.index(stuff), ((0.2, 0.2), (0.8, 0.8)), 0.2), model, undo=5)
    assert space.names[stuff] in session.require_map().class_names
    after = pool.generate(pool.names[0], session.require_map(), seed=0).image
    assert before.size == after.size == (64, 64)
    assert before.tobytes() != after.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_check_prepare_and_draw_encodings(places, tmp_path, monkeypatch, name):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    root, settings = places(name, "boundary")
    said = oasis("data-check", root, *settings, "--workers", 1, "--json", tmp_path / "check.json")
    assert "nothing is wrong" in said
    splits = json.loads((tmp_path / "check.json").read_text())["splits"]
    train, val, _, known = CONTENTS[name]
    assert (splits["train"]["samples"], splits["val"]["samples"]) == (train, val)
    assert splits["val"]["classes"][known]["pixels"] > 0
    said = oasis("prepare", *settings, f"data.root={root}", *SIZE, "--workers", 1)
    assert f"train: {train} samples of 64x64" in said
    words = ("--encoding", "semantic", "--encoding", "boundary", "--height", 64, "--width", 64)
    oasis("encodings", *settings, f"data.root={root}", *words, "-o", tmp_path / "encodings.png")
    assert Image.open(tmp_path / "encodings.png").width > 500
