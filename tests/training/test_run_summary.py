"""`summary.json`, and what makes two runs the same experiment."""

import json
import math
import random
import re
import statistics
import subprocess
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from pytorch_lightning import Callback
from run_files import csv_column

from oasis.errors import CheckpointError, ConfigurationError
from oasis.files import write_json
from oasis.segmenters import UNetSegmenter
from oasis.training import RunSummary, finished_before, write_config
from oasis.training.callbacks.run_summary import read_summary
from oasis.training.runs import peak_memory, provenance, throughput
from oasis.training.runs.identity import essentials, fingerprint

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))


def plain(cfg):
    return OmegaConf.to_container(cfg, resolve=True)


@pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")
def test_a_summary_tells_what_the_run_was_and_what_came_out(fit, ids, tiny, tmp_path, monkeypatch):
    torch.manual_seed(3)
    UNetSegmenter(ids, channels=4, depth=3).save(tmp_path / "segmenter.pt")
    judged = ("metrics=segmenter", "segmenter=unet", f"segmenter.weights={tmp_path / 'segmenter.pt'}")
    run = fit("run", "encoding=boundary", "discriminator=panoptic", "seed=5", "trainer.max_epochs=2", *judged)
    found = json.loads((run / "summary.json").read_text())
    assert not (run / "summary.json.part").exists()
    choices = {"encoding": "boundary", "discriminator": "panoptic", "model": "oasis", "generator": "oasis",
                   "objective": "oasis", "schedule": "constant",
               "data": "cityscapes", "label_space": "cityscapes_ids",
               "generator/panoptic": "plain", "objective/label_mix": "class",
               "objective/weights_from": "label"}  # fmt: skip
    expected = {"version": 1, "name": "test", "choices": choices, "seed": 5,
                "batches": 6, "images": 12, "batch_size": 2, "max": {"epochs": 2, "batches": 6}, "finished": True,
                "devices": 1, "threads": torch.get_num_threads(), "torch": torch.__version__}  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert found["dataset"] == {"class": "Cityscapes", "root": tiny.root.name,
                                "height": 32, "width": 64, "photos": 7}  # fmt: skip
    assert {"segmenter/frechet", "segmenter/miou", "segmenter/pq_things", "val/generator_adversarial"} <= found[
        "metrics"
    ].keys()
    for group, prefix in (("metrics", ""), ("real_photos", "real_photos/"), ("untrained", "untrained/")):
        assert found[group]
        for name, value in found[group].items():
            if value is not None:  # NaN is logged nowhere
                assert value == pytest.approx(csv_column(run, prefix + name)[-1], rel=1e-6), name
    weights = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    for network in ("generator", "discriminator"):
        names = [name for name in weights["state_dict"] if name.startswith(f"{network}.") and _is_parameter(name)]
        assert found["parameters"][network] == sum(weights["state_dict"][name].numel() for name in names)
    assert found["fingerprint"] == fingerprint(plain(OmegaConf.load(run / "config.yaml")))
    assert found["seconds"] > 0
    assert found["images_per_second"] > 0
    assert found["peak_memory_of"] == "process"
    assert re.fullmatch(r"[0-9a-f]{40}(\+changes)?|None", str(found["commit"]))


def _is_parameter(name):
    """What is left are buffers: statistics, and the vectors of power iterations."""
    return not re.search(r"running_|num_batches_tracked|\._u$|\._v$|\.u$|\.v$", name)


def test_a_resumed_run_goes_on_counting(fit):
    settings = ("trainer.max_epochs=4", "trainer.check_val_every_n_epoch=2")
    whole = read_summary(fit("whole", *settings))
    half = fit("half", "trainer.max_epochs=2", "trainer.check_val_every_n_epoch=2")
    resumed = read_summary(fit("on", *settings, f"resume={half / 'checkpoints' / 'last.ckpt'}"))
    for name in ("batches", "images", "metrics", "max", "finished", "fingerprint", "parameters"):
        assert resumed[name] == whole[name], name
    assert resumed["seconds"] > read_summary(half)["seconds"]
    checkpoint = torch.load(half / "checkpoints" / "last.ckpt", weights_only=True)  # written before the run's very end
    assert resumed["peak_memory_mib"] >= checkpoint["callbacks"]["RunSummary"]["peak_mib"]


def test_a_run_with_nothing_left_to_train_writes_what_was_measured(fit):
    """It was cut off between its last checkpoint and its summary."""
    run = fit("run", "trainer.max_epochs=1")
    before = read_summary(run)
    (run / "summary.json").unlink()
    again = read_summary(fit("run", "trainer.max_epochs=1"))
    for name in ("batches", "metrics", "finished", "seconds"):
        expected = pytest.approx(before[name], abs=1.0) if name == "seconds" else before[name]
        assert again[name] == expected, name
    assert again["metrics"]


class Leaver(Callback):
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if pl_module.batches_seen == 2:
            trainer.should_stop = True


def test_a_run_that_ends_early_is_not_finished(fit, monkeypatch):
    monkeypatch.setattr("oasis.training.EncodingLog", Leaver)
    found = read_summary(fit("run", "trainer.max_epochs=2"))
    assert (found["batches"], found["max"]["batches"], found["finished"]) == (2, 6, False)


def test_a_run_that_fails_writes_none(fit, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise ArithmeticError

    monkeypatch.setattr(Leaver, "on_train_batch_end", fail)
    monkeypatch.setattr("oasis.training.EncodingLog", Leaver)
    with pytest.raises(ArithmeticError):
        fit("run", "trainer.max_epochs=1")
    assert (tmp_path / "runs" / "test" / "run" / "config.yaml").is_file()
    assert not (tmp_path / "runs" / "test" / "run" / "summary.json").exists()


def test_two_processes_write_one_summary_of_both(fit, python, tiny, tiny_overrides, tmp_path):
    tiny.add("val", "town_000200_000019", seed=200)  # 4: two for each
    gains = ("generator.init_gain=1", "discriminator.init_gain=1")
    settings = ("data.batch_size=4", "trainer.max_epochs=2", "trainer.check_val_every_n_epoch=2", *gains)
    one = read_summary(fit("one", *settings))
    command = ["train.py", *tiny_overrides, *settings, f"paths.output_dir={tmp_path / 'two'}", "trainer.devices=2"]
    done = python.run(*command, spares=(1,))
    assert done.returncode == 0, done.stderr
    two = read_summary(tmp_path / "two")
    assert (two["devices"], one["devices"]) == (2, 1)
    for name in ("batches", "images", "batch_size", "parameters", "fingerprint", "finished", "dataset"):
        assert two[name] == one[name], name
    assert two["metrics"] == pytest.approx(one["metrics"], rel=1e-2)


def test_the_pace_is_the_median_without_the_first_batches(monkeypatch):
    chance = random.Random(0)
    clock = [100.0]
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: clock[0])
    pace = throughput.Pace(warm_up=2)
    pace.start(40)
    durations = [chance.uniform(0.5, 2.0) for _ in range(31)]
    durations[0], durations[20] = 300.0, 50.0  # compiling; a validation
    for count, seconds in enumerate(durations, start=1):
        clock[0] += seconds
        pace.tick(40 + 4 * count)
    assert pace.median() == pytest.approx(statistics.median(4 / seconds for seconds in durations[2:]))


def test_the_pace_of_a_long_run_takes_little_memory_and_survives_a_checkpoint(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: clock[0])
    pace = throughput.Pace(warm_up=0, capacity=50)
    assert pace.median() is None
    for start in range(3):
        resumed = throughput.Pace(warm_up=0, capacity=50)
        resumed.load_state_dict(pace.state_dict())
        pace = resumed
        pace.start(0)
        for batch in range(1, 1001):
            clock[0] += 1 / (1 + start)  # 1, 2, 3 images/s
            pace.tick(batch)
    assert len(pace.rates) <= 51
    assert pace.median() == pytest.approx(2.0)
    assert min(pace.rates) == pytest.approx(1.0)
    assert max(pace.rates) == pytest.approx(3.0)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak cannot be reset")
def test_peak_memory_is_that_of_the_training_alone():
    def peak(megabytes, measuring=0):
        memory = peak_memory.PeakMemory()
        memory.begin(torch.device("cpu"))
        memory.resume()
        torch.ones(megabytes * 2**18)
        memory.read()
        torch.ones(measuring * 2**18)
        memory.resume()
        memory.read()
        return memory.peak_mib or 0.0

    assert 190 < peak(200) < 260
    assert peak(20) < 80  # of a later run in the same process
    assert peak(20, measuring=200) < 80


@pytest.mark.parametrize(
    "override",
    ["paths.runs=elsewhere", "name=other", "logger=[]", "resume=auto", "trainer.accelerator=cpu", "trainer.devices=2",
     "trainer.log_every_n_steps=7", "data.num_workers=3", "data.root=elsewhere/Cityscapes", "callbacks.loss_plot=null",
     "callbacks.checkpoints.keep_last=5", "summary=true", "callbacks.image_logger.every_batches=3"],
)  # fmt: skip
def test_where_and_how_a_run_is_watched_makes_it_no_other_experiment(composed, override):
    override = "~logger" if override == "logger=[]" else override
    shared = ("paths.output_dir=here", "data.root=there/Cityscapes")
    assert fingerprint(plain(composed(*shared))) == fingerprint(plain(composed(*shared, override)))


@pytest.mark.parametrize(
    "override",
    ["seed=1", "encoding=boundary", "encoding=instance_ids", "discriminator=panoptic", "generator.channels=32",
     "objective.label_mix_weight=0", "model.generator_optimizer.lr=1e-4", "trainer.max_epochs=7", "data.batch_size=3",
     "trainer.precision=bf16-mixed", "callbacks.ema.decay=0.5", "callbacks.ema=null", "metrics=none", "segmenter=unet",
     "data.root=there/CamVid", "data.streets.seed=1", "+callbacks.own._target_=some.Callback", "label_space=ade20k",
     "trainer.limit_train_batches=3"],
)  # fmt: skip
def test_what_changes_the_numbers_makes_another_experiment(composed, override):
    shared = ("paths.output_dir=here", "data.root=there/Cityscapes")
    assert fingerprint(plain(composed(*shared))) != fingerprint(plain(composed(*shared, override)))


@pytest.mark.parametrize(
    "sources",
    [("runs/a/checkpoints/last.ckpt", "runs/b/checkpoints/last.ckpt"), ("hf://me/streets", "hf://you/streets"),
     ("hf://me/streets", "null")],
)  # fmt: skip
def test_runs_from_other_weights_are_other_experiments(composed, sources):
    one, other = (plain(composed("paths.output_dir=here", f"init_from={source}")) for source in sources)
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_configuration_comes_back_from_its_file(composed, tmp_path, experiment):
    config = plain(composed(f"experiment={experiment}", "paths.output_dir=here", "data.root=there"))
    write_config(tmp_path, config)
    read = plain(OmegaConf.load(tmp_path / "config.yaml"))
    assert essentials(read) == essentials(config)
    assert fingerprint(read) == fingerprint(config)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_folders_that_nobody_can_segmenter_are_refused(tmp_path):
    config = {"seed": 1, "model": {"lr": 0.1}}
    assert not finished_before(tmp_path, config)  # empty
    write_config(tmp_path, config)
    assert not finished_before(tmp_path, {"seed": 2})  # nothing was trained
    write_json(tmp_path / "summary.json", {"version": 1, "finished": False})
    assert not finished_before(tmp_path, config)
    write_json(tmp_path / "summary.json", {"version": 1, "finished": True, "batches": 3})
    assert finished_before(tmp_path, config)
    with pytest.raises(
        ConfigurationError, match=r"(?s)another experiment:\n  model\.lr: 0\.2 now, 0\.1 there\n.*name="
    ):
        finished_before(tmp_path, {"seed": 1, "model": {"lr": 0.2}})
    assert not finished_before(tmp_path, {"seed": 2}, resume="some/last.ckpt")  # the user has said what to do
    (tmp_path / "config.yaml").write_text("a: [")
    with pytest.raises(ConfigurationError, match=r"config\.yaml: cannot be read.*Move the folder away"):
        finished_before(tmp_path, config)
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(ConfigurationError, match=r"config\.yaml: cannot be read"):
        finished_before(tmp_path, config)
    (tmp_path / "summary.json").write_text('{"version": 1, "fin')
    with pytest.raises(CheckpointError, match=r"summary\.json: cannot be read.*Delete it"):
        finished_before(tmp_path, config)
    (tmp_path / "summary.json").write_text("[]")
    with pytest.raises(CheckpointError, match="not a summary of version 1"):
        read_summary(tmp_path)


def test_what_cannot_be_written_leaves_the_file_before(tmp_path):
    write_json(tmp_path / "summary.json", {"metric": 1.0})
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "summary.json", {"metric": math.nan})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"metric": 1.0}


def test_the_commit_of_a_checkout(tmp_path):
    def git(*words):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        return subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    assert provenance.commit(tmp_path) is None
    git("init")
    (tmp_path / "code.py").write_text("one")
    git("add", ".")
    git("commit", "-m", "first")
    git("tag", "v1")
    head = git("rev-parse", "HEAD").strip()
    assert provenance.commit(tmp_path) == head
    (tmp_path / "code.py").write_text("two")
    assert provenance.commit(tmp_path) == f"{head}+changes"
    (tmp_path / "inner").mkdir()
    assert provenance.commit(tmp_path / "inner") is None  # somebody else's checkout


def test_the_summary_is_made_of_plain_arguments(tmp_path):
    summary = RunSummary(str(tmp_path / "summary.json"), "name", {"encoding": "semantic", "discriminator": "oasis"}, 0)
    state = summary.state_dict()
    assert json.loads(json.dumps(state)) == state
