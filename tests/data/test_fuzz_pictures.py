"""A short run of `experiments/reliability/fuzz_pictures.py`, and a test that it would notice errors."""

import os
import time

import pytest

from experiments.reliability import fuzz_pictures
from oasis.data import FileSamples


def test_spoilt_pictures_are_read_or_refused(capsys):
    assert fuzz_pictures.main(["--count", "300", "--seed", "1"]) == 0
    assert "300 cases, 0 that neither" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda: {}["key"], "KeyError"),
        (lambda: os._exit(7), "its process died with status 7"),
        (lambda: time.sleep(60), "no answer within 0.5 s"),
        (lambda: bytearray(2**31), "MemoryError"),
    ],
)
def test_anything_else_is_noticed(monkeypatch, capsys, act, expected):
    monkeypatch.setattr(FileSamples, "__getitem__", lambda self, index: act())
    monkeypatch.setattr(fuzz_pictures, "MUTATIONS", {"none": lambda files, kind, rng: files[kind]})
    patience = "0.5" if "0.5 s" in expected else "60"  # a busy machine may take a second for a process
    assert fuzz_pictures.main(["--count", "2", "--timeout", patience]) == 1
    said = capsys.readouterr().out
    assert said.count(expected) == 2
    assert "2 cases, 2 that neither" in said


def test_a_case_is_always_the_same(tmp_path):
    assert fuzz_pictures._run(tmp_path, 3, 5) == fuzz_pictures._run(tmp_path, 3, 5)
