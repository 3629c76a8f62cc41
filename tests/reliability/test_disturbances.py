"""Short versions of what `experiments/reliability` does for longer."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.reliability import kill
from experiments.reliability.disturbances import (
    DISTURBANCES,
    SURVIVES,
    TWO_PROCESSES,
    Disturbance,
    fill_disk,
    flip_byte,
    kill_trainer,
)
from experiments.reliability.fuzz_checkpoints import fuzz, resume_some
from experiments.reliability.leaks import slopes
from experiments.reliability.trainings import EVERY, Training, difference, ended, gone, ranks, send

SHORT = [each for each in DISTURBANCES if each.act in (kill_trainer, fill_disk, flip_byte)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("reliability")
        patch.setenv("PANOPTIC_OASIS_CACHE", str(folder / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder


@pytest.fixture(scope="module")
def undisturbed(root):
    return kill.undisturbed(root)


@pytest.mark.parametrize("disturbance", SHORT, ids=lambda each: each.name)
def test_a_disturbed_run_goes_on_to_the_same_end(disturbance, undisturbed, root):
    expected, seconds = undisturbed
    row = kill.play(disturbance, 1, root, expected, seconds, seed=0)
    assert not row.faults
    assert (row.rounds, row.resumed, row.identical) == (1, 1, 1)


@pytest.mark.parametrize("model", ["spade_tiny", "pix2pixhd_tiny"])
def test_a_killed_run_of_any_model_goes_on_to_the_same_end(model, root):
    settings = (f"model={model}",)
    root = root / model  # the tally of a disturbance is named after what is done
    alone = Training(root / "alone", root / "tally", settings)
    start = time.monotonic()
    assert alone.finish() == [0]
    disturbance = Disturbance(f"kill -9 of {model}", kill_trainer, settings=settings)
    row = kill.play(disturbance, 1, root, alone.result(), time.monotonic() - start, seed=0)
    assert not row.faults
    assert (row.rounds, row.resumed, row.identical) == (1, 1, 1)


def test_when_one_of_two_processes_is_killed_the_other_says_so_and_ends(root):
    """The one that started the other; where the other is killed, Lightning may be first to say so."""
    alone = Training(root / "two", root / "tally_two", TWO_PROCESSES)
    assert alone.finish() == [0]
    training = Training(root / "rank", root / "tally_rank", TWO_PROCESSES)
    process = training.start()
    while process.is_alive() and training.batches() <= EVERY:
        time.sleep(0.02)
    both = ranks(process)
    assert len(both) == 2
    send(both[0], signal.SIGKILL)
    assert [gone(pid, SURVIVES) for pid in both] == [True, True]
    assert ended(process) != 0
    said = Path(f"{training.tally}.log").read_text()
    assert "error: Another process of this run is gone" in said
    assert "resume=last" in said
    assert "[rank1]: Traceback" not in said  # of the survivor; an orphaned reader may leave one
    assert training.finish() == [0]
    assert not difference(training.result(), alone.result())


def test_spoilt_checkpoints_give_documented_errors_only(undisturbed, root, tmp_path):
    training = Training(root / "second_0", root / "tally_second_0")
    outcomes, faults = fuzz(training.checkpoints()[0], 70, 0, tmp_path)
    assert not faults
    for name in ("cut", "flip", "shift", "foreign", "config"):
        assert outcomes[name] == {"refused": 10}
    assert not resume_some(training.checkpoints()[0], 1, 0, tmp_path)


def test_differences_are_found():
    assert difference({"a": [1, 2]}, {"a": [1, 2]}) == ""
    assert difference({"a": [1, 2]}, {"a": [1, 3]}) == "/a/1"
    assert difference({"x": {"a": 1}}, {"x": {"b": 1}}) == "/x"
    assert difference([torch.zeros(2)], [torch.tensor([0.0, 1e-45])]) == "/0"


def test_a_leak_has_a_slope():
    leaking = np.stack([1000 + 3.0 * np.arange(100), np.full(100, 20.0)], axis=1)
    assert slopes(leaking) == pytest.approx((3, 0))
