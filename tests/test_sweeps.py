"""Sweeps that are cut off and started again: `python train.py -m experiment=study`."""

import itertools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from holding import held
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from run_files import csv_rows
from starting import starter

from oasis.training.runs.identity import differences, essentials

ROOT = Path(__file__).parents[1]
SMALL = (
    "experiment=study",
    "metrics=none",
    "segmenter=none",
    "data.streets.train=8",
    "data.streets.val=2",
    "data.height=32",
    "data.width=64",
    "data.batch_size=2",
    "generator.channels=4",
    "generator.spade_channels=4",
    "generator.num_blocks=4",
    "discriminator.channels=4",
    "discriminator.num_blocks=4",
    "trainer.max_epochs=2",
    "trainer.log_every_n_steps=1",
    "callbacks.ema.bn_batches=1",
    "callbacks.image_logger.samples=2",
    "callbacks.checkpoints.every_batches=3",
)
BATCHES = 8
TROUBLE = '''
import os, signal
from pathlib import Path
from pytorch_lightning import Callback

class Trouble(Callback):
    """Kills `boundary` in its 5th batch, and lets it fail in its 7th, each once."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if not os.environ.get("TROUBLE") or "boundary" not in trainer.default_root_dir:
            return
        marks = Path(os.environ["TROUBLE"])
        if pl_module.batches_seen == 5 and not (marks / "killed").exists():
            (marks / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if pl_module.batches_seen == 7 and not (marks / "failed").exists():
            (marks / "failed").touch()
            raise ArithmeticError("something went wrong")
'''


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Runs `train.py`; returns its exit code and what it printed."""
    folder = tmp_path_factory.mktemp("starts")
    (folder / "troublesome.py").write_text(TROUBLE)
    return starter(folder)


def sweep(runs, *more):
    return ("-m", *SMALL, "+callbacks.trouble._target_=troublesome.Trouble", f"paths.runs={runs}", *more)


def place(runs, encoding, seed=0):
    return runs / "study" / encoding / "oasis" / f"seed_{seed}"


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def rows(folder):
    timed = ("speed/images_per_second",)
    return [{name: text for name, text in row.items() if name not in timed} for row in csv_rows(folder)]


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    """The same sweep without trouble."""
    runs = tmp_path_factory.mktemp("undisturbed")
    code, said = start(*sweep(runs, "encoding=boundary,position,semantic"))
    assert code == 0, said
    return runs


@pytest.fixture(scope="module")
def disturbed(start, tmp_path_factory):
    """A sweep that is killed, fails, is brought to its end and started once more; what each start said."""
    runs, marks = tmp_path_factory.mktemp("disturbed"), tmp_path_factory.mktemp("marks")
    command = sweep(runs, "encoding=semantic,boundary,position")
    starts = [start(*command, TROUBLE=str(marks)) for _ in range(2)]
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*.ckpt")}
    starts += [start(*command, TROUBLE=str(marks)) for _ in range(2)]
    return runs, starts, before


def test_a_killed_sweep_goes_on_with_what_is_not_finished(disturbed):
    runs, starts, _ = disturbed
    (killed, _), (failed, told), (mended, last), (again, nothing) = starts
    assert killed == -9
    assert (failed, mended, again) == (1, 0, 0), told + last + nothing
    assert [said.count("Skipped: ") for _, said in starts] == [0, 1, 2, 3]
    assert f"Skipped: {place(runs, 'semantic')} was finished before, after 8 batches." in told
    assert "Epoch" not in nothing
    assert "Written by this run" not in nothing


def test_an_error_of_one_run_is_told_and_leaves_the_others_alone(disturbed):
    runs, starts, before = disturbed
    _, told = starts[1]
    assert f"error in {place(runs, 'boundary')}:" in told
    assert "something went wrong" in told
    done = place(runs, "position") / "checkpoints" / "last.ckpt"
    assert done.stat().st_mtime_ns == before[done]  # finished behind the failing one, and not trained again


@pytest.mark.parametrize("encoding", ["boundary", "position", "semantic"])
def test_a_disturbed_sweep_ends_with_the_numbers_of_an_undisturbed_one(disturbed, undisturbed, encoding):
    ours, theirs = place(disturbed[0], encoding), place(undisturbed, encoding)
    found, expected = summary(ours), summary(theirs)
    assert found["finished"]
    assert found["metrics"]
    for name in ("metrics", "fingerprint", "batches", "images", "parameters", "dataset", "max", "choices"):
        assert found[name] == expected[name], name
    assert rows(ours) == rows(theirs)  # every batch once, though one was cut off twice
    assert len([row for row in rows(ours) if row["generator/adversarial"]]) == BATCHES


def test_a_folder_of_another_experiment_is_refused_and_left_alone(undisturbed, start):
    folder = place(undisturbed, "semantic")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*.*") if path.is_file()}
    code, said = start(*sweep(undisturbed, "encoding=semantic", "objective.label_mix_weight=0", "trainer.max_epochs=3"))
    assert code == 1
    assert f"{folder} holds a run of another experiment:" in said
    assert "objective.label_mix_weight: 0 now, 5.0 there" in said
    assert "trainer.max_epochs: 3 now, 2 there" in said
    assert "name=" in said
    assert "Traceback" not in said
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before}
    assert {path for path in before if after[path] != before[path]} <= {folder / "train.log", folder / ".lock"}


def test_a_single_run_of_the_study_belongs_to_the_same_tree(undisturbed, start):
    """As an agent of a W&B sweep starts it."""
    code, said = start(*sweep(undisturbed, "encoding=semantic")[1:], "trainer.log_every_n_steps=5")
    assert code == 0, said
    assert f"Skipped: {place(undisturbed, 'semantic')}" in said


def test_a_run_that_another_process_is_training_is_refused_and_left_alone(undisturbed, start):
    folder = place(undisturbed, "position")
    before = (folder / "config.yaml").stat().st_mtime_ns
    with held(folder):
        code, said = start(*sweep(undisturbed, "encoding=position"))
    assert code == 1
    assert f"{folder} is in use: process 7 of elsewhere is training there." in said
    assert "Traceback" not in said
    assert (folder / "config.yaml").stat().st_mtime_ns == before


def test_processes_of_a_launcher_skip_what_is_finished(undisturbed):
    pytest.importorskip("joblib")
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.ckpt")}
    command = sweep(undisturbed, "encoding=boundary,position", "hydra/launcher=parallel")
    done = subprocess.run([sys.executable, "train.py", *command], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Skipped: ") == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_sweep_of_weights_and_biases_is_the_sweep_of_hydra():
    told = (ROOT / "conf" / "experiment" / "study.yaml").read_text()
    _, *grid = shlex.split(re.search(r"#   oasis train -m (.*)", told)[1])
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        overrides = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(grid)
    hydra = {override.key_or_group: list(override.sweep_string_iterator()) for override in overrides}
    theirs = yaml.safe_load((ROOT / "experiments" / "panoptic_encodings" / "wandb_sweep.yaml").read_text())
    found = {name: [str(value) for value in part["values"]] for name, part in theirs["parameters"].items()}
    assert found == hydra
    assert len(list(itertools.product(*found.values()))) == 9 * 2 * 3
    assert theirs["method"] == "grid"
    assert theirs["program"] == "train.py"
    assert theirs["command"] == ["${env}", "${interpreter}", "${program}", "experiment=study", "logger=wandb",
                                 "${args_no_hyphens}"]  # fmt: skip


def test_runs_of_the_study_differ_in_nothing_else(composed):
    """In encoding, discriminator and seed, and what follows from them."""

    def config(*overrides):
        return OmegaConf.to_container(composed("experiment=study", *overrides), resolve=True)

    changed = list(differences(essentials(config()), essentials(config("encoding=panoptic", "seed=1"))))
    assert {name.split(".")[0] for name, *_ in changed} == {"encoding", "seed", "data", "model"}
    assert {name for name, *_ in changed if not name.startswith("encoding")} == {"seed", "data.seed", "model.seed"}
    other = list(differences(essentials(config()), essentials(config("discriminator=panoptic"))))
    assert {name.removeprefix("model.") for name, *_ in other} == {"discriminator._target_", "discriminator.boundary"}
