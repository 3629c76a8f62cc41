"""Untrained checkpoints, maps for them, and the command that generates from these."""

import shutil
from dataclasses import dataclass

import pytest
import torch
from typer.testing import CliRunner
from untrained import write_checkpoint

from oasis.cli import app
from oasis.segmenters import UNetSegmenter
from oasis.synthesis import Synthesizer


@pytest.fixture(scope="module")
def semantic(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("semantic") / "run" / "checkpoints" / "last.ckpt", "Semantic")


@pytest.fixture(scope="module")
def boundary(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("boundary") / "last.ckpt", "Boundary")


@pytest.fixture(scope="module")
def synthesizer(semantic):
    return Synthesizer.from_checkpoint(semantic)


@pytest.fixture
def maps(tiny, tmp_path):
    """Two folders with a map of the same name, and a map without instances whose name has no kind."""
    folder = tmp_path / "maps"
    for town, stem in (("a", "town_000100_000019"), ("b", "town_000101_000019")):
        (folder / town).mkdir(parents=True)
        shutil.copy(tiny.label("val", stem), folder / town / "x_gtFine_labelIds.png")
        shutil.copy(tiny.instance("val", stem), folder / town / "x_gtFine_instanceIds.png")
    (folder / "c" / "deep").mkdir(parents=True)
    shutil.copy(tiny.label("val", "town_000102_000019"), folder / "c" / "deep" / "y.png")
    return folder


@pytest.fixture
def segmenter(ids, tmp_path):
    """Untrained, but predicts many classes."""
    torch.manual_seed(0)
    segmenter = UNetSegmenter(ids, channels=4, depth=3)
    with torch.no_grad():
        for parameter in segmenter.network.semantic[-1].parameters():
            parameter.normal_()
    segmenter.save(tmp_path / "segmenter.pt")
    return tmp_path / "segmenter.pt"


@dataclass
class Done:
    """How a command ended: its status, and all it printed, on one line."""

    exit_code: int
    said: str


@pytest.fixture
def generate():
    """Runs `oasis generate` with these words."""

    def run(*arguments):
        done = CliRunner().invoke(app, ["generate", *(str(argument) for argument in arguments)])
        return Done(done.exit_code, (done.output + done.stderr).replace("\n", ""))

    return run
