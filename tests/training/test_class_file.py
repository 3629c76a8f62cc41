"""A label space of one's own, `label_space=file`, through all commands."""

import json
import re
from types import SimpleNamespace

import pytest
import yaml
from omegaconf import OmegaConf
from typer.testing import CliRunner

from oasis.app.empty_street import empty_start
from oasis.checkpoint import load, restore
from oasis.checkpoint.safe_config import require_plain
from oasis.cli import app
from oasis.cli.conf import load_config, read_label_space
from oasis.errors import CheckpointError, ConfigurationError
from oasis.labels import LabelSpace
from oasis.segmenters import UNetSegmenter
from oasis.training.runs.run_folder import CONFIG

CLASSES = """
ignore: nothing
classes:
  - {name: nothing, ids: [0]}
  - {name: asphalt, ids: [7], color: [90, 90, 90]}
  - {name: sky, ids: [23]}
  - {name: people, ids: [24, 25], thing: true}
  - {name: car, ids: [26], thing: true}
"""
NAMES = ("nothing", "asphalt", "sky", "people", "car")
SHORT = ("trainer.max_epochs=1", "encoding=per_instance_masks", "label_space=file", "label_space.path=classes.yaml")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The folder in which the commands are given."""
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "classes.yaml").write_text(CLASSES)
    monkeypatch.chdir(folder)
    return folder


def oasis(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, re.sub(r"\s+", " ", done.output + done.stderr)


def test_a_run_keeps_its_classes_and_needs_no_file(fit, tiny, here):
    run = fit("run", *SHORT)
    (here / "classes.yaml").unlink()
    checkpoint = run / "checkpoints" / "last.ckpt"
    for config in (OmegaConf.load(run / CONFIG), load(checkpoint)["config"]):
        assert config["label_space"]["classes"] == yaml.safe_load(CLASSES)["classes"]
        assert "path" not in config["label_space"]
        assert config["data"]["label_space"] == config["encoding"]["label_space"] == config["label_space"]
    restored = restore(checkpoint)
    assert restored.label_space.names == NAMES
    assert restored.encoding.label_space == restored.label_space

    label = tiny.label("val", "town_000100_000019")
    assert oasis("generate", run, label, "-o", here / "photos")[0] == 0
    assert (here / "photos" / label.name.replace("_gtFine_labelIds", "")).is_file()
    start = empty_start(SimpleNamespace(label_space=restored.label_space, height=32, width=64))  # what the app draws on
    assert start.name == "Empty canvas (nothing)"
    assert oasis("export", run, "-o", here / "model.safetensors")[0] == 0
    assert restore(here / "model.safetensors").label_space == restored.label_space

    UNetSegmenter(restored.label_space, channels=4, depth=3).save(here / "segmenter.pt")
    code, said = oasis(
        "evaluate", run, "segmenter.weights=segmenter.pt", "metrics=segmenter", "--diversity-images", 0, "-o", "report"
    )
    assert code == 0, said
    assert json.loads((here / "report" / "results.json").read_text())["images"] == 3


def test_a_run_with_other_classes_names_them(fit, tiny, here):
    run = fit("run", *SHORT)
    last = run / "checkpoints" / "last.ckpt"
    (here / "same.json").write_text(json.dumps(yaml.safe_load(CLASSES)))
    (here / "other.yaml").write_text(CLASSES.replace("people", "person").replace("sky", "heaven"))
    same, other = "label_space.path=same.json", "label_space.path=other.yaml"
    fit("same", *SHORT, same, "trainer.max_epochs=2", f"resume={last}")
    words = r"'heaven', 'person'; only in the checkpoint: 'sky', 'people'"
    with pytest.raises(CheckpointError, match=rf"another configuration:\n  label_space: only now: {words}\nResume"):
        fit("other", *SHORT, other, "trainer.max_epochs=2", f"resume={last}")
    with pytest.raises(CheckpointError, match=rf"with other classes \(only in this run: {words}\)\. Choose the label"):
        fit("from", *SHORT, other, f"init_from={last}")
    for settings in (["data=cityscapes", f"data.root={tiny.root}"], []):
        code, said = oasis("evaluate", run, *settings, "label_space=file", other, "-o", "report", "segmenter=none")
        assert code == 1
        assert f"has another one of 5: only in the data: {words}" in said


def test_the_data_commands_take_a_class_file(tiny, here):
    data = [f"data.root={tiny.root}", "data.height=32", "data.width=64", *SHORT[2:]]
    code, said = oasis("data-check", tiny.root, *SHORT[2:])
    assert code == 0, said
    assert "asphalt" in said
    code, said = oasis("prepare", "data=cityscapes", *data)
    assert code == 0, said
    training = ["--epochs", 1, "--batch-size", 4, "--channels", 4, "--depth", 3]
    code, said = oasis("train-segmenter", "data=cityscapes", *data, "data.num_workers=0", *training, "-o", "unet.pt")
    assert code == 0, said
    assert UNetSegmenter.from_file("unet.pt").label_space == LabelSpace.from_file("classes.yaml")

    (here / "classes.yaml").write_text(CLASSES.replace("[23]", "[22]"))
    code, said = oasis("data-check", tiny.root, *SHORT[2:])
    assert code == 1
    assert "23" in said
    (here / "classes.yaml").write_text(CLASSES.replace("thing", "think"))
    code, said = oasis("data-check", tiny.root, *SHORT[2:])
    assert code == 2
    assert "classes.yaml: class 3, 'people': 'think' is none of" in said
    assert "Is 'thing' meant?" in said


def test_no_path_and_no_file(fit):
    with pytest.raises(ConfigurationError, match=r"label_space=file needs the file: label_space\.path=classes\.yaml"):
        load_config(["label_space=file"])
    with pytest.raises(ConfigurationError, match=r"gone\.yaml: no such class file; looked for from .*here"):
        fit("run", "label_space=file", "label_space.path=gone.yaml")


def test_a_checkpoint_may_hold_256_classes(composed, here):
    """In each of its parts; a checkpoint with more values than any run writes is refused."""
    classes = [{"name": f"class {raw}", "ids": [raw], "color": [raw, 0, 0], "thing": True} for raw in range(256)]
    (here / "classes.yaml").write_text(yaml.safe_dump({"ignore": "class 0", "classes": classes}))
    parts = ["encoding=panoptic", "discriminator=panoptic", "callbacks=default", "name=x", "paths.output_dir=unused"]
    config = composed(*parts, "label_space=file", "label_space.path=classes.yaml")
    read_label_space(config)
    plain = OmegaConf.to_container(config, resolve=True)
    require_plain(plain, "last.ckpt")
    assert len(plain["encoding"]["label_space"]["classes"]) == 256
    with pytest.raises(CheckpointError, match=r"last\.ckpt: its configuration .* holds more than"):
        require_plain([plain] * 100, "last.ckpt")
