"""Sweeps whose jobs run elsewhere: `python train.py -m hydra/launcher=NAME`."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from run_files import training_losses

from oasis import errors
from oasis.checkpoint.resuming import find_to_resume
from oasis.training import make_trainer, report_errors, telling_errors
from oasis.training.callbacks.signals import Stopped
from oasis.training.runs.resumption import command_to_resume

ROOT = Path(__file__).parents[2]
LAUNCHERS = sorted(path.stem for path in (ROOT / "conf" / "hydra" / "launcher").glob("*.yaml"))
SWEEP = ["experiment=smoke", "data.streets.train=8", "data.streets.val=2", "trainer.max_epochs=1"]
BAD = 112  # pixels that the networks cannot halve often enough


@pytest.fixture(scope="module")
def sweep(python, tmp_path_factory):
    """Runs a sweep in a folder of its own; returns how it ended, and the folders of its jobs.

    With `spares` it is forked (see `starting`); without, it starts as it does for a user.
    """
    root = tmp_path_factory.mktemp("sweeps")

    def run(*overrides, spares=None, **environment):
        runs = root / str(len(list(root.iterdir())))
        cleared = {name: None for name in os.environ if name.startswith(("SLURM_", "HYDRA_"))}
        ours = {"OMP_NUM_THREADS": "1", "PANOPTIC_OASIS_CACHE": str(root / "cache"), "FAKE_SLURM_RUNS": str(runs)}
        train = ("train.py", "-m", *SWEEP, f"paths.runs={runs}", *overrides)
        variables = cleared | ours | environment
        if spares is not None:
            return python.run(*train, spares=spares, **variables), jobs_below(runs)
        given = {name: value for name, value in (os.environ | variables).items() if value is not None}
        command = [sys.executable, *train]
        done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=200)
        return done, jobs_below(runs)

    return run


def jobs_below(runs):
    return sorted(path.parent for path in runs.glob("smoke/*/*/config.yaml"))


@pytest.fixture(scope="module")
def plain(sweep):
    """What the launcher gives that runs one job after the other in one process: a bad one, then a good one."""
    return sweep(f"data.height={BAD},32", spares=())


def learnt(job):
    return torch.load(job / "checkpoints" / "last.ckpt", weights_only=True)


def assert_learnt_the_same(one, other):
    weights, expected = learnt(one)["state_dict"], learnt(other)["state_dict"]
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def assert_same_jobs(ours, theirs):
    assert [job.name for job in ours] == [job.name for job in theirs]
    assert len({job.parent for job in ours}) == 1  # one folder for the sweep, whenever its jobs started
    assert [(job / "checkpoints").exists() for job in ours] == [False, True]
    one, other = ours[1], theirs[1]
    assert len(training_losses(one)) == 2
    assert training_losses(one) == training_losses(other)
    assert_learnt_the_same(one, other)


def assert_told(done, job):
    """The error of one job, in full and without a traceback."""
    assert done.returncode == 1
    assert f"error: data.height={BAD}" in done.stderr
    assert "multiples of 32" in done.stderr
    assert "Traceback" not in done.stderr
    assert job.name == f"height-{BAD}"


def test_an_error_of_one_job_leaves_the_others_alone(plain):
    done, jobs = plain
    assert len(jobs) == 2
    assert_told(done, jobs[0])
    assert f"error in {jobs[0]}: data.height={BAD}" in done.stderr  # when it happens, too
    assert "loss plot" in done.stdout


@pytest.mark.parametrize("launcher", ["local", "parallel"])
def test_jobs_in_processes_of_their_own_compute_the_same(sweep, plain, launcher):
    pytest.importorskip({"local": "submitit", "parallel": "joblib"}[launcher])
    more = ["hydra.launcher.gpus_per_node=null"] if launcher == "local" else []
    spares = () if launcher == "local" else None  # loky's processes want a parent that was not forked
    done, jobs = sweep(f"hydra/launcher={launcher}", f"data.height={BAD},32", *more, spares=spares)
    assert_told(done, jobs[0])
    assert_same_jobs(jobs, plain[1])
    if launcher == "local":
        logs = [path.read_text() for path in jobs[0].parent.glob(".submitit/*/*_log.out")]
        assert len(logs) == 2
        assert sum(f"error in {jobs[0]}: data.height={BAD}" in log for log in logs) == 1


def test_slurm_warns_a_job_and_starts_it_again(python, sweep, tmp_path):
    """`sbatch` and its like are fake; what is ours and what is submitit's is not."""
    pytest.importorskip("submitit")
    tool = (Path(__file__).parent / "fake_slurm.py").read_text()
    for name in ("sbatch", "srun", "sacct", "scontrol"):
        (tmp_path / name).write_text(f"#!{sys.executable}\n{tool}")
        (tmp_path / name).chmod(0o755)
    node = python.start(str(tmp_path / "sbatch"), "node", spares=(3,))
    longer = ["seed=0,1", "trainer.max_epochs=3", "trainer.limit_train_batches=null"]
    slurm = ["hydra/launcher=slurm", "hydra.launcher.timeout_min=90", "hydra.launcher.gpus_per_node=null"]
    again = ["resume=auto", "callbacks.stop_on_signal.requeue=true", "callbacks.checkpoints.every_batches=1"]
    done, jobs = sweep(*longer, *slurm, *again, spares=(), PATH=f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "closed").touch()
    assert node.end().returncode == 0, node.stderr
    assert done.returncode == 0, done.stderr
    script = (tmp_path / "script").read_text()
    for line in ("signal=USR1@300", "requeue", "time=90", "array=0-1%2", "nodes=1", "ntasks-per-node=1"):
        assert f"#SBATCH --{line}\n" in script
    assert "USR2" not in script
    assert (tmp_path / "asked").read_text() == "requeue 17_0\n"
    log = next(jobs[0].parent.glob(".submitit/17_0/*_log.out")).read_text()
    assert "Stopped by SIGUSR1 after batch" in log
    assert "\n  oasis train experiment=smoke" in log
    _, whole = sweep(*longer, spares=())
    for one, other in zip(jobs, whole, strict=True):
        assert learnt(one)["progress"] == {"batches_seen": 12, "images_seen": 24}
        losses, expected = training_losses(one), training_losses(other)
        assert len(losses) >= 11  # that of the batch after which it was stopped may not have been logged
        assert all(row in expected for row in losses)
        assert_learnt_the_same(one, other)


def test_jobs_of_a_sweep_go_on_from_their_own_checkpoints(fit, tmp_path):
    """Not from the newest of all, which has other settings."""
    runs = tmp_path / "runs" / "test"
    fit("first/zero", "trainer.max_epochs=1").rename(runs / "first" / "0_seed=[0]")
    fit("first/one", "trainer.max_epochs=1", "seed=1").rename(runs / "first" / "1_seed=[1]")
    for job in ("0_seed=[0]", "1_seed=[1]"):
        path = runs / "first" / job / "checkpoints" / "last.ckpt"
        written = torch.load(path, weights_only=True)["config"]
        assert find_to_resume("auto", runs, written, job) == path
        assert find_to_resume("auto", runs, written) == path
    assert find_to_resume("auto", runs, written, "2_seed=[2]") is None
    with pytest.raises(errors.CheckpointError, match=r"resume=last: no run below .*2_seed=\[2\] has an intact"):
        find_to_resume("last", runs, written, "2_seed=[2]")


def test_an_arm_whose_folder_is_called_like_that_of_another_one_starts_anew(fit, tmp_path):
    runs = tmp_path / "runs" / "test"
    one, other = (
        fit(f"{encoding}/seed_0", "trainer.max_epochs=1", f"encoding={encoding}") / "checkpoints" / "last.ckpt"
        for encoding in ("semantic", "boundary")
    )
    config = torch.load(other, weights_only=True)["config"]
    assert find_to_resume("auto", runs, config, "seed_0") == other
    other.unlink()
    with pytest.warns(UserWarning, match=r"(?s)resume=auto starts anew\..*seed_0.*  encoding\._target_: ") as told:
        assert find_to_resume("auto", runs, config, "seed_0") is None
    assert str(one) in str(told[0].message)


def launcher_of(name, *overrides):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        wanted = [f"hydra/launcher={name}", *overrides]
        return compose("train", overrides=wanted, return_hydra_config=True).hydra.launcher


def test_every_launcher_composes():
    pytest.importorskip("submitit")
    pytest.importorskip("joblib")
    assert LAUNCHERS == ["local", "parallel", "slurm"]
    slurm = launcher_of("slurm", "trainer=ddp", "trainer.devices=4", "trainer.num_nodes=2")
    assert (slurm.tasks_per_node, slurm.gpus_per_node, slurm.nodes) == (4, 4, 2)
    assert slurm.additional_parameters == {"signal": "USR1@300", "requeue": True}
    assert launcher_of("local").gpus_per_node == 1
    assert launcher_of("parallel").n_jobs == 2


@pytest.mark.parametrize("name", LAUNCHERS)
def test_without_the_extra_the_message_names_it(name, monkeypatch, capsys):
    """Hydra does not find what the plugin would have registered."""
    plugin = {"local": "submitit_local", "parallel": "joblib", "slurm": "submitit_slurm"}[name]
    registered = ConfigStore.instance().repo["hydra"]["launcher"]
    without = {key: node for key, node in registered.items() if key != f"{plugin}.yaml"}
    monkeypatch.setitem(ConfigStore.instance().repo["hydra"], "launcher", without)
    with pytest.raises(SystemExit) as ended:
        report_errors(lambda: launcher_of(name))
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: this launcher is in an extra: pip install 'panoptic-oasis[sweeps]'")
    assert f"hydra/launcher/{plugin}" in said


@pytest.mark.parametrize("error", ["submitit.core.utils.UncompletedJobError", "joblib.externals.loky.Terminated"])
def test_a_job_that_died_is_told_without_a_traceback(error, capsys):
    module, _, name = error.rpartition(".")
    kind = type(name, (Exception,), {"__module__": module})

    def main():
        raise kind("Job 17_0 has not produced any output")

    with pytest.raises(SystemExit):
        report_errors(main)
    assert capsys.readouterr().err == "error: Job 17_0 has not produced any output\n"


def test_errors_travel_from_process_to_process(tmp_path):
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.OasisError)]
    assert len(kinds) > 5
    for kind in kinds:
        again = pickle.loads(pickle.dumps(kind("said")))
        assert (type(again), str(again)) == (kind, "said")
    stopped = Stopped(signal.SIGTERM, 7, tmp_path / "last.ckpt")
    again = pickle.loads(pickle.dumps(stopped))
    assert (again.code, again.reason, again.checkpoint) == (143, stopped.reason, stopped.checkpoint)


def test_a_job_tells_its_error_or_the_cause_of_it(capsys):
    """Pickling to the process that started the sweep loses an error's cause."""
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = errors.DatasetError("torn")
    with pytest.raises(errors.DatasetError, match="torn"), telling_errors("runs/1_a=b"):
        raise wrapped
    assert capsys.readouterr().err == "error in runs/1_a=b: torn\n"
    with pytest.raises(ZeroDivisionError), telling_errors("runs/1_a=b"):
        raise ZeroDivisionError
    assert "Traceback" in capsys.readouterr().err


def test_the_command_that_goes_on_is_not_submitit_s(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/site-packages/submitit/core/_submit.py", "folder"])
    assert command_to_resume(Path("last.ckpt"), ["seed=1"]) == "oasis train seed=1 resume=last.ckpt"


@pytest.mark.parametrize("script", ["submitit.core._submit", "joblib.externals.loky.backend.popen_loky_posix"])
def test_jobs_that_cannot_start_processes_train_on_one_device(script, monkeypatch):
    """Lightning starts the others as this one was started, with that script."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name=script))
    monkeypatch.delenv("SLURM_NTASKS", raising=False)
    with pytest.raises(errors.ConfigurationError, match=r"trainer\.devices=1, or leave hydra/launcher out"):
        make_trainer(accelerator="cpu", devices=2)
    assert make_trainer(accelerator="cpu", devices=1, logger=False).num_devices == 1
