"""Signals stop a run after the current batch, and nothing is lost."""

import os
import shlex
import signal
import time
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback

from oasis.errors import message
from oasis.training.callbacks.signals import StopOnSignal, Stopped, requeue_job
from oasis.training.runs.resumption import command_to_resume

ROOT = Path(__file__).parents[2]


class Sender(Callback):
    """Sends this process a signal at some moment."""

    def __init__(self, number, batch, moment):
        self.number, self.batch, self.moment = number, batch, moment

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if self.moment == "training" and pl_module.batches_seen == self.batch - 1:
            os.kill(os.getpid(), self.number)

    def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        if self.moment == "validation" and pl_module.batches_seen == self.batch:
            os.kill(os.getpid(), self.number)


@pytest.fixture
def stopped(fit, monkeypatch):
    """Trains until a signal comes; returns the run folder and how it ended."""

    def run(number, batch, moment="training", *overrides):
        with monkeypatch.context() as patch:
            patch.setattr("oasis.training.EncodingLog", lambda: Sender(number, batch, moment))
            with pytest.raises(Stopped) as ended:
                fit("stopped", "trainer.max_epochs=2", "data.num_workers=1", *overrides)
        return ended.value

    return run


@pytest.fixture(scope="module")
def undisturbed():
    """The weights of the uninterrupted run, once it exists."""
    return {}


# 3 batches an epoch, a validation after each.
@pytest.mark.parametrize(
    ("number", "code", "batch", "moment"),
    [
        (signal.SIGTERM, 143, 2, "training"),
        (signal.SIGINT, 130, 3, "training"),  # before a validation
        (signal.SIGUSR1, 138, 4, "training"),
        (signal.SIGTERM, 143, 3, "validation"),
    ],
)
def test_a_run_that_was_stopped_goes_on_to_the_same_end(
    stopped, fit, read_checkpoint, undisturbed, capsys, number, code, batch, moment
):
    before = signal.getsignal(number)
    end = stopped(number, batch, moment)
    assert end.code == code
    assert signal.getsignal(number) is before or signal.getsignal(number).__self__._process == 0
    assert torch.load(end.checkpoint, weights_only=True)["progress"]["batches_seen"] == batch
    said = capsys.readouterr().err
    assert f"after batch {batch}. Resume with\n  oasis train " in said
    assert f"resume={end.checkpoint}" in said
    resumed = fit("resumed", "trainer.max_epochs=2", "data.num_workers=1", f"resume={end.checkpoint}")
    if not undisturbed:
        undisturbed.update(read_checkpoint(fit("whole", "trainer.max_epochs=2", "data.num_workers=1")))
    ours, theirs = read_checkpoint(resumed), undisturbed
    for name, value in theirs["state_dict"].items():
        assert torch.equal(ours["state_dict"][name], value), name
    assert ours["progress"] == theirs["progress"] == {"batches_seen": 6, "images_seen": 12}


def test_a_run_that_keeps_no_checkpoints_says_so(stopped, capsys):
    end = stopped(signal.SIGTERM, 2, "training", "callbacks.checkpoints=null")
    assert end.checkpoint is None
    assert "It has written no checkpoint" in capsys.readouterr().err


def test_the_printed_command_works_and_a_second_ctrl_c_ends_at_once(python, tiny, tiny_overrides):
    """As for a user, with default settings except for sizes."""
    training = python.start("train.py", *tiny_overrides, "trainer.max_epochs=-1")
    assert wait_for(lambda: list(tiny.root.parent.glob("runs/**/last.ckpt")))
    training.send_signal(signal.SIGTERM)
    done = training.end(60)
    assert done.returncode == 143, done.stderr
    assert "Traceback" not in done.stderr
    line = next(line for line in done.stderr.splitlines() if line.startswith("  python train.py"))
    more = python.start(*shlex.split(line)[1:])
    assert wait_for(lambda: len(list(tiny.root.parent.glob("runs/**/last.ckpt"))) == 2)
    more.send_signal(signal.SIGSTOP)  # so that both come before the end of a batch
    more.send_signal(signal.SIGINT)
    more.send_signal(signal.SIGCONT)
    time.sleep(0.01)
    more.send_signal(signal.SIGINT)
    done = more.end(60)
    assert done.returncode in (-signal.SIGINT, 130), done.stderr  # at once, or after the batch if that was faster
    assert "Traceback" not in done.stderr


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_second_ctrl_c_ends_the_process_at_once(python):
    program = """
import os, signal, time
from oasis.training.callbacks.signals import StopOnSignal
stop = StopOnSignal()
stop.on_fit_start(None, None)
os.kill(os.getpid(), signal.SIGINT)
assert stop.received == signal.SIGINT
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGINT)
assert stop.received == signal.SIGINT
os.kill(os.getpid(), signal.SIGINT)
print("still here")
"""
    done = python.run("-c", program)
    assert done.returncode == -signal.SIGINT, done.stderr
    assert "still here" not in done.stdout
    assert "once more to end at once" in done.stderr


AGREEING = """
import os, sys
from types import SimpleNamespace
import torch
from oasis.training.callbacks.signals import StopOnSignal
torch.distributed.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]), world_size=2)
stop = StopOnSignal()
heeded = []
for batch in range(6):
    stop.received = 15 if sys.argv[2] == "1" and batch == 3 else 0
    heeded.append(stop._agree(SimpleNamespace(world_size=2), SimpleNamespace(device="cpu")))
print(heeded)
"""


def test_processes_agree_on_the_batch_after_which_they_end(python, tmp_path):
    """Only one of them is told."""
    both = [python.start("-c", AGREEING, str(tmp_path / "meeting"), rank) for rank in "01"]
    said = [process.end(120).stdout.strip() for process in both]
    assert said == ["[0, 0, 0, 15, 0, 0]"] * 2


def test_slurm_is_asked_to_queue_the_job_again(tmp_path, monkeypatch, stopped):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(f"#!/bin/sh\necho $@ >> {tmp_path}/asked\n")
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    stopped(signal.SIGUSR1, 2, "training", "callbacks.stop_on_signal.requeue=true")
    assert (tmp_path / "asked").read_text() == "requeue 17\n"
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "16")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    requeue_job()
    assert (tmp_path / "asked").read_text() == "requeue 17\nrequeue 16_3\n"


def test_slurm_that_refuses_is_warned_of(tmp_path, monkeypatch):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text("#!/bin/sh\necho no such job >&2; exit 1\n")
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    with pytest.warns(UserWarning, match="scontrol requeue 17 failed .no such job"):
        requeue_job()
    monkeypatch.delenv("SLURM_JOB_ID")
    with pytest.warns(UserWarning, match="no job of SLURM"):
        requeue_job()


def test_readers_ignore_what_a_terminal_sends_to_all():
    stop = StopOnSignal()
    stop._process = os.getpid() + 1  # as seen by a forked process
    stop._take_note(signal.SIGINT, None)
    assert stop.received == 0


@pytest.mark.parametrize("folder", ["/runs/plain", "/runs/with space", "/runs/encoding=semantic,seed=1", "/runs/it's"])
def test_the_command_is_what_hydra_and_the_shell_understand(composed, folder):
    checkpoint = Path(folder) / "checkpoints" / "last.ckpt"
    command = command_to_resume(checkpoint, ["seed=3", "resume=old.ckpt", "name='a b'"])
    overrides = shlex.split(command)[2:]
    cfg = composed(*overrides)
    assert cfg.resume == str(checkpoint)
    assert (cfg.seed, cfg.name) == (3, "a b")


def test_the_message_of_a_wrapped_error_is_that_of_its_cause():
    error = KeyError("loops")
    error.__cause__ = ValueError("said")
    assert "said" in message(error)
