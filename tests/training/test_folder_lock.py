"""A folder of a run belongs to one process at a time."""

import pytest
from holding import held
from pytorch_lightning.utilities import rank_zero_only

from oasis.errors import ConfigurationError
from oasis.training import alone_in


def test_a_folder_in_use_is_refused_and_told_whose_it_is(tmp_path):
    entered = False
    with (
        held(tmp_path),
        pytest.raises(ConfigurationError, match="is in use: process 7 of elsewhere") as told,
        alone_in(tmp_path),
    ):
        entered = True
    assert not entered
    assert str(tmp_path) in str(told.value)


def test_a_lock_ends_with_its_process(tmp_path):
    with held(tmp_path) as holder:
        holder.kill()
        holder.wait()
        with alone_in(tmp_path):
            assert "elsewhere" not in (tmp_path / ".lock").read_text()


def test_one_process_may_train_in_a_folder_again(tmp_path):
    for _ in range(2):
        with alone_in(tmp_path):
            assert "process" in (tmp_path / ".lock").read_text()


def test_the_lock_is_let_go_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), alone_in(tmp_path):
        raise ZeroDivisionError
    with held(tmp_path):
        pass


def test_the_other_processes_of_a_run_need_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    with held(tmp_path), alone_in(tmp_path):
        assert "process 7 of elsewhere" in (tmp_path / ".lock").read_text()


def test_a_folder_that_cannot_be_written_to_is_not_held(tmp_path):
    (tmp_path / "file").touch()
    with alone_in(tmp_path / "file"):
        assert (tmp_path / "file").read_text() == ""
