"""Reading the folders of trainings."""

import json

import pytest
from omegaconf import OmegaConf

from oasis.cli.conf import conf_dir
from oasis.errors import ConfigurationError
from oasis.studies.curves import last_metrics, read_curves
from oasis.studies.folders import read_run_folder
from oasis.studies.settings import (
    choices_of_config,
    comparable_settings,
    differing,
    discriminator_name,
    encoding_name,
    total_batches,
)

ROWS = [
    {"step": 5, "generator/adversarial": 3.5, "speed/images_per_second": 1.0},
    {"step": 10, "segmenter/pq": 0.1, "val/discriminator_fake": 0.5, "real_photos/segmenter/pq": 0.8},
    {"step": 15, "generator/adversarial": 2.5, "speed/images_per_second": 7.0},
    {"step": 20, "segmenter/pq": 0.3, "real_photos/segmenter/pq": 0.8, "untrained/segmenter/pq": 0.01},
    {"step": 20, "generator/adversarial": 2.0, "speed/images_per_second": 9.0},
]


def test_a_summary_is_taken_as_it_is(folders):
    run = read_run_folder(folders.summarized("one", "boundary", 2, 0.25))
    assert (run.encoding, run.discriminator, run.seed, run.finished) == ("boundary", "oasis", 2, True)
    assert run.metrics == {"segmenter/pq": 0.25, "segmenter/frechet": 2.0}
    assert "val/generator_adversarial" not in run.metrics
    assert (run.real_photos["segmenter/pq"], run.untrained["segmenter/frechet"]) == (0.8, 9.0)
    assert run.costs["generator_parameters"] == 3e6
    assert run.costs["images_per_second"] == 7.5
    assert run.facts["commit"] == "abcdef"
    assert (run.settings["data.height"], run.settings["batches"]) == (64, 20)


def test_without_a_summary_the_metrics_tell(folders):
    run = read_run_folder(folders.plain("one", ROWS, config={"seed": 3}))
    assert (run.encoding, run.discriminator, run.seed, run.batches, run.finished) == ("semantic", "oasis", 3, 20, True)
    assert run.metrics == {"segmenter/pq": 0.3}
    assert run.real_photos == {"segmenter/pq": 0.8}
    assert run.untrained == {"segmenter/pq": 0.01}
    assert run.costs == {"images_per_second": 8.0}
    assert run.curves["segmenter/pq"] == ((10, 0.1), (20, 0.3))


def test_both_ways_a_run_has_the_same_settings(folders):
    one, other = folders.summarized("one"), folders.plain("other", ROWS)
    assert read_run_folder(one).settings == read_run_folder(other).settings


def test_a_run_that_was_stopped_is_not_finished(folders):
    assert not read_run_folder(folders.plain("one", ROWS[:3])).finished
    assert not read_run_folder(folders.plain("two", [])).finished
    assert not read_run_folder(folders.summarized("three", finished=False)).finished


def test_hydras_choice_of_a_file_is_the_name(folders):
    folder = folders.plain("one", ROWS)
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "hydra.yaml").write_text("hydra: {runtime: {choices: {encoding: mine, discriminator: ours}}}")
    run = read_run_folder(folder)
    assert (run.encoding, run.discriminator) == ("mine", "ours")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"version": 1, "metri', "corrupt, not JSON.*Delete it to read the run from its metrics.csv"),
        ("[]", "it holds a list"),
        ('{"version": 2}', "version 2 of a summary, but this report reads version 1"),
        ('{"version": 1}', "not the summary of a run .KeyError: 'batches'"),
        ('{"version": 1, "batches": "many"}', "not the summary of a run .ValueError"),
    ],
    ids=["torn", "list", "newer", "empty", "no number"],
)
def test_a_summary_that_is_none_is_told(folders, text, expected):
    folder = folders.summarized("one")
    (folder / "summary.json").write_text(text)
    with pytest.raises(ConfigurationError, match=f"summary.json: .*{expected}"):
        read_run_folder(folder)


def test_a_torn_configuration_is_told(folders):
    folder = folders.summarized("one")
    (folder / "config.yaml").write_text("data: {height: 64")
    with pytest.raises(ConfigurationError, match=r"config.yaml: corrupt, not YAML"):
        read_run_folder(folder)
    (folder / "config.yaml").write_text("words")
    with pytest.raises(ConfigurationError, match=r"config.yaml: not the configuration of a run: it holds a str"):
        read_run_folder(folder)


def test_a_torn_line_of_metrics_is_left_out(folders):
    folder = folders.plain("one", ROWS)
    with (folder / "metrics.csv").open("a") as file:
        file.write("9")
    assert read_curves(folder / "metrics.csv")["segmenter/pq"][-1] == (20, 0.3)
    (folder / "metrics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="it has no column `step`"):
        read_curves(folder / "metrics.csv")


def test_losses_and_speed_are_no_metrics():
    names = ("generator/adversarial", "val/discriminator_real", "speed/images_per_second", "encoding/overflow", "epoch")
    assert last_metrics(dict.fromkeys(names, ((1, 1.0),))) == ({}, {}, {})
    assert last_metrics({"fid": ((1, 2.0), (3, 1.0))})[0] == {"fid": 1.0}


def test_settings_leave_out_what_makes_no_other_experiment(composed):
    def settings(*overrides):
        config = OmegaConf.to_container(composed(*overrides, "paths.output_dir=x"), resolve=True)
        return comparable_settings(config)

    base = settings()
    same = ("encoding=boundary", "discriminator=panoptic", "seed=4", "data.num_workers=0", "logger=csv", "name=x",
            "trainer.devices=1", "callbacks.image_logger=null", "paths.runs=y", "data.build_cache=true")  # fmt: skip
    assert differing(base, settings(*same)) == []
    other = ("data.height=128", "data.batch_size=2", "trainer.max_epochs=1", "generator.channels=8", "segmenter=unet",
             "model.generator_optimizer.lr=1", "callbacks.ema=null", "data.streets.seed=1")  # fmt: skip
    differences = differing(base, settings(*other))
    assert "data.height: 256 / 128" in differences
    for name in (override.split("=")[0] for override in other):
        assert any(one.startswith(name) for one in differences), name


def test_names_are_those_of_the_files_in_conf():
    for path in (conf_dir() / "encoding").glob("*.yaml"):
        assert encoding_name(OmegaConf.to_container(OmegaConf.load(path))) == path.stem
    for name in ("oasis", "panoptic"):  # runs of all others have recorded the name
        found = OmegaConf.to_container(OmegaConf.load(conf_dir() / "discriminator" / f"{name}.yaml"))
        assert discriminator_name(found) == name


def test_a_configuration_may_tell_the_names_itself():
    encoding = {"_target_": "oasis.encodings.Semantic"}
    assert choices_of_config({"encoding": encoding})["encoding"] == "semantic"
    for summary in ({"encoding": "mine"}, {"choices": {"encoding": "mine", "model": "new", "speed": "fast"}}):
        assert choices_of_config({"encoding": encoding, "callbacks": {"summary": summary}})["encoding"] == "mine"
    assert choices_of_config({"encoding": encoding, "callbacks": {"summary": None}}, {"encoding": "ours"}) == {
        "encoding": "ours", "discriminator": "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("trainer", "data", "expected"),
    [
        ({"max_epochs": 3}, {"streets": {"train": 45}, "batch_size": 4}, 33),
        ({"max_epochs": 3, "limit_train_batches": 5}, {"streets": {"train": 45}, "batch_size": 4}, 15),
        ({"max_epochs": 3, "limit_train_batches": 5}, {"root": "x"}, 15),
        ({"max_epochs": 3, "limit_train_batches": 0.5}, {"streets": {"train": 40}, "batch_size": 4}, 15),
        ({"max_epochs": None, "max_steps": 20}, {"root": "x"}, 10),
        ({"max_epochs": 1, "max_steps": 20}, {"streets": {"train": 8}, "batch_size": 4}, 2),
        ({"max_epochs": 3}, {"root": "x", "batch_size": 4}, None),
        ({}, {}, None),
    ],
    ids=["epochs", "limit", "limit alone", "share", "steps", "both", "unknown", "nothing"],
)
def test_what_was_asked_for(trainer, data, expected):
    assert total_batches({"trainer": trainer, "data": data}) == expected


def test_a_name_of_the_encoding_may_be_its_configuration(folders):
    folder = folders.summarized("one")
    content = json.loads((folder / "summary.json").read_text())
    content["encoding"] = {"_target_": "oasis.encodings.InstanceIds", "normalized": True}
    (folder / "summary.json").write_text(json.dumps(content))
    assert read_run_folder(folder).encoding == "instance_ids_normalized"
