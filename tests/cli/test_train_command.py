"""`oasis train`, as typed; what it runs is tested as `train.py`, and from a wheel in tests/test_packaging.py."""

import importlib.metadata
import runpy
import sys

import pytest
from typer.testing import CliRunner

from oasis.cli import app
from oasis.errors import ConfigurationError


@pytest.fixture(autouse=True)
def unchanged(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["oasis", "train"])
    monkeypatch.setenv("PYTHONSAFEPATH", "")


def test_hydra_gets_all_arguments_in_their_order(monkeypatch):
    started = []
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: started.append((name, sys.argv[1:])))
    arguments = ["-m", "seed=0,1", "--cfg", "job", "-cn", "train", "~callbacks.ema", "--help", "'encoding=glob(*)'"]
    assert CliRunner().invoke(app, ["train", *arguments]).exit_code == 0
    assert started == [("oasis.cli.training_process", arguments)]


def test_an_error_that_training_lets_pass_keeps_its_traceback(monkeypatch):
    def fail(*_, **__):
        raise ConfigurationError("HYDRA_FULL_ERROR=1 was set")

    monkeypatch.setattr(runpy, "run_module", fail)
    assert isinstance(CliRunner().invoke(app, ["train"]).exception, ConfigurationError)


def test_the_version_is_the_package_s():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.strip() == importlib.metadata.version("panoptic-oasis")
