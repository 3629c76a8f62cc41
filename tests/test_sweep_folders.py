"""Folders of sweeps: short, without slashes, and the same whenever a command is given again."""

import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from run_files import training_losses
from starting import starter

from hydra_plugins.panoptic_oasis_sweeps import job_names, sweep_id

FIXED = (
    "experiment=smoke",
    "data.streets.train=8",
    "data.streets.val=2",
    "data.height=32",
    "data.width=64",
    "metrics=none",
    "segmenter=none",
    "callbacks.progress_bar=null",
    "callbacks.image_logger.samples=1",
    "callbacks.ema.bn_batches=1",
    "trainer.log_every_n_steps=1",
    "objective.label_mix_weight=1",
)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return starter(tmp_path_factory.mktemp("starts"))


def test_the_same_command_twice_goes_on(start, tmp_path):
    """With a path and more settings than a folder's name has room for."""
    code, said = start(*FIXED, f"paths.output_dir={tmp_path}/first", "trainer.max_epochs=1")
    assert code == 0, said
    weights = f"init_from={tmp_path}/first/checkpoints/last.ckpt"
    command = (
        "-m",
        *FIXED,
        weights,
        f"paths.runs={tmp_path}/runs",
        "trainer.max_epochs=1",
        "encoding=semantic,boundary",
    )
    code, said = start(*command)
    assert code == 1  # the weights are of `semantic`
    (folder,) = (tmp_path / "runs" / "smoke").iterdir()
    assert re.fullmatch(r"sweep_[0-9a-f]{6}", folder.name)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["encoding-boundary", "encoding-semantic"]
    assert OmegaConf.load(folder / "encoding-semantic" / "config.yaml").init_from == weights.removeprefix("init_from=")
    before = (folder / "encoding-semantic" / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    code, said = start(*command, "resume=auto")
    assert f"Skipped: {folder / 'encoding-semantic'} was finished before" in said
    assert (folder / "encoding-semantic" / "checkpoints" / "last.ckpt").stat().st_mtime_ns == before
    assert len(list((tmp_path / "runs" / "smoke").iterdir())) == 1


def test_a_sweep_of_other_settings_starts_anew_and_a_longer_one_goes_on(start, tmp_path):
    command = ("-m", *FIXED, f"paths.runs={tmp_path}/runs", "resume=auto", "seed=0,1")
    sweeps = [("trainer.max_epochs=1",), ("trainer.max_epochs=1", "data.flip=false"), ("trainer.max_epochs=2",)]
    rows, known = [], set()
    for settings in sweeps:
        code, said = start(*command, *settings)
        assert code == 0, said
        assert "Skipped" not in said
        (folder,) = set((tmp_path / "runs" / "smoke").iterdir()) - known
        known.add(folder)
        rows.append([[row["step"] for row in training_losses(folder / f"seed-{seed}")] for seed in (0, 1)])
    assert rows == [[[1, 2]] * 2, [[1, 2]] * 2, [[3, 4]] * 2]


def jobs(*settings):
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    return BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(list(settings)), None)[0]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (["seed=0,1", "data.root='/a=b/c'"], ["seed-0", "seed-1"]),
        (["encoding=a,b", "model.lr=1e-4,0.1"], ["encoding-a_lr-0.0001", "encoding-a_lr-0.1", "encoding-b_lr-0.0001",
                                                 "encoding-b_lr-0.1"]),
        (["init_from=/some/a.ckpt,/some/b.ckpt"], ["init-from-some-a.ckpt", "init-from-some-b.ckpt"]),
        (["+callbacks.x={a:1},{a:2}"], ["x-a-1", "x-a-2"]),
        (["seed=0", "encoding=a"], ["run"]),
        (["init_from='/a/b','/a=b'"], ["init-from-a-b_#", "init-from-a-b_#"]),
        (["seed=-1,1"], ["seed--1", "seed-1"]),
    ],
)  # fmt: skip
def test_names_hold_what_differs(settings, names):
    found = job_names(jobs(*settings))
    assert [re.sub(r"_[0-9a-f]{6}$", "_#", name) for name in found] == names
    assert len(set(found)) == len(found)


def test_names_are_short_and_distinct_however_much_differs():
    settings = [f"group.a_rather_long_setting_{i}=/some/where/{i},/some/where/else" for i in range(8)]
    names = job_names(jobs(*settings))
    assert len(set(names)) == 2**8
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name) for name in names)
    assert names == job_names(jobs(*settings))


def test_the_sweep_is_that_of_the_settings_that_all_jobs_share():
    found = sweep_id(["model.lr=0.1", "seed=0,1", "encoding=glob(*)"])
    same = ["seed=0,1,2", "model.lr=0.1", "hydra/launcher=parallel", "hydra.launcher.n_jobs=2", "resume=auto",
            "paths.runs=elsewhere", "logger=wandb"]  # fmt: skip
    assert sweep_id(same) == found
    assert sweep_id(["model.lr=0.2", "seed=0,1"]) != found
    assert sweep_id(["model.lr=0.1", "seed=0"]) != found


def test_folders_that_an_experiment_chose_stay(start, tmp_path):
    chosen = (f"hydra.sweep.dir={tmp_path}/mine", "hydra.sweep.subdir=${seed}")
    code, said = start("-m", *FIXED, *chosen, f"paths.runs={tmp_path}/runs", "trainer.max_epochs=1", "seed=3")
    assert code == 0, said
    assert (tmp_path / "mine" / "3" / "checkpoints" / "last.ckpt").is_file()
    assert not (tmp_path / "runs").exists()
