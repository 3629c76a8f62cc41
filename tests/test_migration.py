"""Reading files of earlier versions; see `oasis/migration.py`."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from oasis.checkpoint import restore
from oasis.checkpoint.reading import load
from oasis.checkpoint.resuming import find_to_resume
from oasis.errors import CheckpointError
from oasis.files import write_json
from oasis.migration import FORMAT, migrated, migrated_metric, stamped
from oasis.training import finished_before, write_config
from oasis.training.callbacks.run_summary import read_summary
from oasis.training.runs.identity import differences, essentials

# Composed by the last version that wrote format 1, with the settings of `TODAY` under their names of then.
FORMAT_1 = Path(__file__).parent / "checkpoint" / "config_of_format_1.yaml"
TODAY = (
    "data=cityscapes",
    "data.root=/data/cityscapes",
    "encoding=boundary",
    "discriminator=panoptic",
    "metrics=segmenter",
    "segmenter=unet",
    "segmenter.weights=judge.pt",
    "callbacks.checkpoints.monitor=segmenter/pq",
    "objective.joint_pass=false",  # the default of then
    "paths.output_dir=runs/test",
    "name=test",
)


@pytest.fixture
def old():
    return OmegaConf.to_container(OmegaConf.load(FORMAT_1))


@pytest.fixture
def today(composed):
    return OmegaConf.to_container(composed(*TODAY), resolve=True)


def test_a_configuration_of_format_1_is_that_of_the_same_settings_today(old, today):
    before = OmegaConf.create(old)
    found = migrated(old, FORMAT_1)
    assert found.pop("format") == FORMAT
    new = today.pop("trust")  # since then
    assert new == []
    # What only observes a run never keeps it from being the same experiment, and has other settings now.
    found["callbacks"].pop("summary"), today["callbacks"].pop("summary")
    assert not list(differences(found, today))
    assert before == OmegaConf.create(old)  # not changed


@pytest.mark.parametrize("model", ["oasis", "spade"])
def test_format_3_had_no_instances_in_generators_and_losses(composed, model):
    today = OmegaConf.to_container(composed(f"model={model}", "paths.output_dir=runs/test"), resolve=True)
    old = OmegaConf.to_container(OmegaConf.create({**today, "format": 3}))
    for part in (old, old["model"]):
        for name in ("condition_resize", "panoptic", "texture_noise", "upsampling"):
            part["generator"].pop(name, None)
        for name in [name for name in part["objective"] if name.startswith("instance_") and name != "instance_loss"]:
            del part["objective"][name]
        part["objective"].pop("weights_from", None)
    assert not list(differences(migrated(old, "there.ckpt"), stamped(today)))


def test_format_2_stretched_photos_and_knew_one_layout_of_cityscapes(today):
    old = {**today, "format": 2, "data": dict(today["data"])}
    for name in ("annotations", "label_suffix", "train_split", "resize", "short_side"):
        del old["data"][name]
    assert not list(differences(migrated(old, "there.ckpt"), stamped(today)))
    assert "annotations" not in old["data"]
    streets = {"dataset": {"_target_": "oasis.data.Streets"}}
    assert migrated({"format": 2, "data": streets}, "there.ckpt") == {
        "format": FORMAT,
        "data": {**streets, "resize": None, "short_side": None},
    }


@pytest.mark.parametrize("number", [1, 2, 3])
def test_parts_in_lists_are_migrated_too(number):
    name = "judge_features" if number == 1 else "segmenter_features"
    unet, features = {"_target_": "oasis.segmenters.UNetSegmenter.for_dataset"}, {"_target_": f"oasis.metrics.{name}"}
    old = {"format": number, "segmenter": {"members": [unet, [features], 3]}}
    assert migrated(old, "there.ckpt")["segmenter"] == {
        "members": [{**unet, "views": 4}, [{"_target_": "oasis.metrics.segmenter_features"}], 3]
    }
    assert old["segmenter"]["members"][0] == unet  # not changed


def test_a_configuration_of_today_stays_what_it_is(today):
    assert migrated(stamped(today), "config.yaml") == stamped(today)
    assert essentials(stamped(today)) == essentials(today)


@pytest.mark.parametrize("number", [FORMAT + 1, 0, "2", None])
def test_a_configuration_of_a_later_format_is_refused(today, number):
    with pytest.raises(CheckpointError, match=rf"there\.ckpt: its configuration is of format .*1 to {FORMAT}\. Up"):
        migrated({**today, "format": number}, "there.ckpt")


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("judge/pq", "segmenter/pq"),
        ("judge/iou/car", "segmenter/iou/car"),
        ("real_photos/judge/pq", "real_photos/segmenter/pq"),
        ("fid", "fid"),
        ("val/generator_adversarial", "val/generator_adversarial"),
    ],
)
def test_metrics_under_their_names_of_today(then, now):
    assert migrated_metric(then) == now
    assert migrated_metric(now) == now


def test_a_run_folder_of_format_1_belongs_to_the_same_experiment(old, today, tmp_path):
    OmegaConf.save(OmegaConf.create(old), tmp_path / "config.yaml")
    write_json(tmp_path / "summary.json", {"version": 1, "finished": True, "batches": 3, "metrics": {"judge/pq": 0.5}})
    assert finished_before(tmp_path, today)
    assert read_summary(tmp_path)["metrics"] == {"segmenter/pq": 0.5}


def test_a_checkpoint_of_format_1_is_rebuilt_and_resumed(fit, composed, tiny_overrides, old):
    run = fit("run", "trainer.max_epochs=1")
    path = run / "checkpoints" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    assert content["config"]["format"] == FORMAT
    config = content["config"]
    del config["format"]
    content["CityscapesDataModule"] = content.pop("LabelMapDataModule")
    data = config["data"]
    del data["dataset"]
    data |= {"_target_": "oasis.data.CityscapesDataModule", "streets": None}
    for old_name, name in (
        ("use_prepared", "use_cache"),
        ("prepare", "build_cache"),
        ("prepared_folder", "cache_folder"),
    ):
        data[old_name] = data.pop(name)
    config["judge"] = config.pop("segmenter")
    config["callbacks"]["metrics"]["judge"] = config["callbacks"]["metrics"].pop("segmenter")
    torch.save(content, path)
    write_config(run, config)
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace(f"format: {FORMAT}\n", ""))
    now = OmegaConf.to_container(composed(*tiny_overrides, f"paths.output_dir={run}"), resolve=True)
    assert "judge" not in load(path)["config"]
    assert restore(path).batches_seen == 3
    assert find_to_resume("last", run.parent, now) == path
    fit("run", "trainer.max_epochs=1")  # the folder is that of the same experiment
    further = fit("further", f"resume={path}", "trainer.max_epochs=2")
    resumed = torch.load(further / "checkpoints" / "last.ckpt", weights_only=True)
    assert resumed["LabelMapDataModule"]["batches_served"] == 6


def test_a_checkpoint_of_a_later_format_is_refused(trained):
    path = trained("run", "trainer.max_epochs=1") / "checkpoints" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    content["config"]["format"] = FORMAT + 1
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"last\.ckpt: its configuration is of format"):
        restore(path)
