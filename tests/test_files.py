"""Atomic writes: readers see a complete file, the old one or the new one."""

import json

import pytest
import torch

from oasis.devices import find_device
from oasis.errors import ConfigurationError
from oasis.files import replacing, write_json


def test_a_file_has_its_name_only_once_it_is_complete(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with replacing(path) as unfinished:
        unfinished.write_text("all of it")
        assert not path.exists()
        assert unfinished.suffix == path.suffix
        assert unfinished.parent == path.parent
    assert [(file.name, file.read_text()) for file in path.parent.iterdir()] == [("file.txt", "all of it")]


def test_an_error_leaves_the_file_before_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("before")

    def write_half():
        with replacing(path) as unfinished:
            unfinished.write_text("half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_half()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file.txt", "before")]


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "file.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file.txt", "first")]


def test_json_without_nan(tmp_path):
    write_json(tmp_path / "facts.json", {"one": 1, "umlaut": "ü"})
    assert json.loads((tmp_path / "facts.json").read_text(encoding="utf-8")) == {"one": 1, "umlaut": "ü"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "facts.json", {"one": float("nan")})


def test_the_device_of_a_name():
    assert find_device("cpu") == torch.device("cpu")
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    assert find_device("auto") == accelerator
    for name in ("abacus", "cuda:99"):
        with pytest.raises(ConfigurationError, match=rf"device={name}: not available here.*Use cpu or auto"):
            find_device(name)
