"""Searching for settings: `python train.py -m hparams_search=optuna`."""

import builtins
import json
import math
import re
import statistics
from pathlib import Path

import pytest
from hydra.core.plugins import Plugins

from oasis.errors import ConfigurationError
from oasis.training.search import Search, Trial

ROOT = Path(__file__).parents[2]
SPACE = {"a.weight": {"low": 0.01, "high": 100.0, "log": True}, "a.depth": {"low": 1, "high": 9, "step": 2},
         "a.kind": {"choices": ["x", None, True]}}  # fmt: skip


def test_a_search_finds_the_better_half_of_its_space():
    pytest.importorskip("optuna")

    def score(trial):
        return -abs(math.log(trial.settings["w"] / 30.0))

    search = Search("segmenter/pq", {"w": {"low": 1.0, "high": 1000.0, "log": True}}, trials=40, seed=1)
    trials = search.run(lambda proposed: [score(trial) for trial in proposed])
    early, late = trials[:10], trials[20:]  # the first 10 are drawn at random
    assert statistics.median(map(score, late)) > statistics.median(map(score, early))
    assert search.best(trials) == max(trials, key=score)
    assert [trial.number for trial in trials] == list(range(40))


@pytest.mark.parametrize("at_a_time", [1, 3])
def test_the_same_search_proposes_the_same_trials_inside_the_bounds(at_a_time):
    pytest.importorskip("optuna")

    def run(seed):
        search = Search("fid", SPACE, trials=13, at_a_time=at_a_time, seed=seed)
        sizes = []

        def launch(proposed):
            sizes.append(len(proposed))
            return [None if trial.number == 2 else trial.settings["a.weight"] for trial in proposed]

        return search, search.run(launch), sizes

    search, first, sizes = run(0)
    _, second, _ = run(0)
    _, other, _ = run(1)
    assert sizes == ([1] * 13 if at_a_time == 1 else [3, 3, 3, 3, 1])
    assert [trial.folder for trial in first] == [trial.folder for trial in second]
    assert len({trial.folder for trial in first}) == 13
    assert [trial.settings for trial in first] != [trial.settings for trial in other]
    for trial in first:
        assert 0.01 <= trial.settings["a.weight"] <= 100
        assert trial.settings["a.depth"] in (1, 3, 5, 7, 9)
        assert trial.settings["a.kind"] in ("x", None, True)
    known = [trial.settings["a.weight"] for trial in first if trial.number != 2]
    assert search.best(first).value == min(known)  # FID: lower is better; one has failed
    assert search.best([Trial(0, {})]) is None


def test_settings_as_a_command_line_takes_them():
    assert Trial(3, {"a": 0.5, "b": None, "c": True, "d": "x", "e": 2}).overrides == [
        "a=0.5", "b=null", "c=true", "d=x", "e=2"]  # fmt: skip
    assert re.fullmatch("trial_003_[0-9a-f]{6}", Trial(3, {"a": 0.5}).folder)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"space": {}}, r"space=\{\}: name at least one setting"),
        ({"space": 3}, r"space=3: name at least one setting"),
        ({"space": {"w": [0.1, 1]}}, r"space\.w=\[0\.1, 1\]: it must be \{low, high\}"),
        ({"space": {"w": 3}}, r"space\.w=3: it must be \{low, high\}"),
        ({"space": {"w": {"low": "a", "high": 1}}}, "low, high and step must be numbers"),
        ({"space": {"w": {"low": 0, "high": None}}}, "low, high and step must be numbers"),
        ({"space": {"w": {"low": 0, "high": 1, "step": -1}}}, "step above 0"),
        ({"trials": 0}, "trials=0"),
        ({"at_a_time": 0}, "at_a_time=0"),
        ({"objective": "speed/thing"}, "maximize=true or false"),
        ({"space": {"w": {"low": 1.0}}}, r"space\.w=.*\{low, high\}"),
        ({"space": {"w": {"low": 1.0, "high": 2.0, "base": 2}}}, r"space\.w="),
        ({"space": {"w": {"low": 2.0, "high": 1.0}}}, "low must be below high"),
        ({"space": {"w": {"low": 0.0, "high": 1.0, "log": True}}}, "above 0 for a log scale"),
        ({"space": {"w": {"choices": []}}}, r"space\.w=.*choices must be a list"),
        ({"space": {"w": {"choices": "abc"}}}, r"choices must be a list"),
    ],
    ids=lambda value: value.replace(" ", "_")[:12] if isinstance(value, str) else "",
)
def test_searches_that_cannot_be_are_refused(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        Search(**{"objective": "segmenter/pq", "space": SPACE, **settings})


def test_without_the_extra_the_message_says_how_to_come_by_it(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **more):
        if name == "optuna":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigurationError, match=r"panoptic-oasis\[search\]"):
        Search("segmenter/pq", SPACE).run(lambda proposed: [])


def test_hydra_finds_the_sweeper():
    names = [kind.__name__ for kind in Plugins.instance().discover()]
    assert "SearchSweeper" in names


@pytest.fixture
def search(python, tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(*overrides):
        small = ["metrics=none", "segmenter=none", "data.streets.train=4", "data.streets.val=2", "data.height=32",
                 "data.width=64", "data.batch_size=2", "generator.channels=2", "generator.spade_channels=4",
                 "generator.num_blocks=4", "discriminator.channels=4", "discriminator.num_blocks=4",
                 "trainer.max_epochs=1", "callbacks.image_logger=null", "callbacks.ema.bn_batches=1"]  # fmt: skip
        command = ["train.py", "-m", "experiment=study", "hparams_search=optuna", *small]
        command += [f"paths.runs={tmp_path}", "hydra.sweeper.trials=2", *overrides]
        return python.run(*command)

    return run


def test_a_search_started_again_trains_nothing_twice(search, tmp_path):
    pytest.importorskip("optuna")
    objective = ["hydra.sweeper.objective=val/discriminator_real", "hydra.sweeper.maximize=false"]
    done = search(*objective)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "instance_weights" / "search.json").read_text())
    assert len(found["trials"]) == 2
    for trial in found["trials"]:
        told = json.loads((tmp_path / "instance_weights" / trial["folder"] / "summary.json").read_text())
        assert told["metrics"]["val/discriminator_real"] == trial["value"]
        assert told["choices"]["discriminator"] == "panoptic"
    best = min(found["trials"], key=lambda trial: trial["value"])
    assert found["best"] == best["folder"]
    assert f"Best val/discriminator_real of 2 trials: {best['value']:.6g}" in done.stdout
    again = search(*objective)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("Skipped: ") == 2
    assert json.loads((tmp_path / "instance_weights" / "search.json").read_text()) == found


@pytest.mark.parametrize(
    ("setting", "told"),
    [("hparams_search=optuna", "hparams_search=optuna"), ("hydra/sweeper=search", "hydra/sweeper=search"),
     ("hydra/launcher=parallel", "hydra/launcher=parallel")],
)  # fmt: skip
def test_a_search_or_a_launcher_without_a_sweep_is_refused(python, tmp_path, setting, told):
    pytest.importorskip("joblib")
    done = python.run("train.py", "experiment=smoke", f"paths.runs={tmp_path}", setting)
    assert done.returncode == 1
    assert f"error: {told} is for several runs, and without -m this is a single one." in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*/*/config.yaml"))


def test_a_search_over_more_than_its_space_ends_early_with_one_clear_message(search, tmp_path):
    done = search("encoding=semantic,boundary")
    assert done.returncode == 1
    assert "encoding=semantic,boundary: a search takes one value of each setting" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("instance_weights/*/config.yaml"))
