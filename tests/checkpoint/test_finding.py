"""Finding the checkpoint of a path."""

import os

import pytest

from oasis.checkpoint import find_checkpoint
from oasis.errors import CheckpointError


def written(run, at):
    path = run / "checkpoints" / "last.ckpt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    os.utime(path, (at, at))
    return path


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_newest_run_below_a_folder_at_any_depth(tmp_path, depth):
    folder = tmp_path / "sweep"
    within = folder.joinpath(*("a", "b", "c")[:depth])
    old, new = written(within / "seed-0", 100), written(within / "seed-1", 200)
    assert find_checkpoint(folder) == new
    os.utime(old, (300, 300))
    assert find_checkpoint(folder) == old
    (within / "seed-2" / "checkpoints").mkdir(parents=True)  # a run that has not saved yet
    assert find_checkpoint(folder) == old


def test_a_run_folder_means_its_own_even_if_newer_ones_lie_below(tmp_path):
    own = written(tmp_path / "run", 100)
    written(tmp_path / "run" / "copies" / "later", 200)
    assert find_checkpoint(tmp_path / "run") == own
    assert find_checkpoint(own.parent) == own
    assert find_checkpoint(own) == own


def test_a_folder_without_runs(tmp_path):
    (tmp_path / "empty" / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(CheckpointError, match=r"empty: no run with a checkpoints/last\.ckpt is there or below"):
        find_checkpoint(tmp_path / "empty")
