"""experiments/benchmarks/gpu.sh, without a GPU."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from functools import partial
from pathlib import Path

import pytest
import torch

from experiments.benchmarks.gpu import beforehand, lines
from experiments.benchmarks.gpu.__main__ import main
from experiments.benchmarks.gpu.lines import Stage
from experiments.benchmarks.gpu.table import compared
from experiments.benchmarks.gpu.tracks import Line, run_tracks
from experiments.benchmarks.train_step import OPTIONS, ingredients

ROOT = Path(__file__).parents[1]
STAGES = {"smoke", "train_step", "painting", "models", "training"}


def numbers(tree):
    """All numbers in nested lists and dicts."""
    if isinstance(tree, dict | list):
        return [number for each in (tree.values() if isinstance(tree, dict) else tree) for number in numbers(each)]
    return [tree] if isinstance(tree, int | float) else []


def row(name):
    print(f"in {name}")
    return [{"name": name, "seconds": 1.0}]


def fail():
    raise ValueError("no such luck")


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Arguments of a run on the CPU; what handles SIGTERM is restored."""
    monkeypatch.chdir(ROOT)
    before = signal.getsignal(signal.SIGTERM)
    yield ["--tiny", "--device", "cpu", "--out", str(tmp_path / "out")]
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    """The whole agenda, and the folder with its figures."""
    folder = tmp_path_factory.mktemp("gpu")
    settings = {"TINY": "1", "DEVICE": "cpu", "SECONDS_IN_ALL": "1000", "OUT": str(folder), "PYTHON": sys.executable}
    environment = {**os.environ, **settings, "OMP_NUM_THREADS": "1", "PANOPTIC_OASIS_CACHE": str(folder / "cache")}
    command = [str(ROOT / "experiments" / "benchmarks" / "gpu.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def figures(dry_run):
    folder, _ = dry_run
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in STAGES}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_dry_run_goes_through_all_stages_with_finite_numbers(dry_run, figures):
    for content in figures.values():
        assert {"commit", "device", "torch"} <= content.keys()
        assert all(math.isfinite(number) for number in numbers(content))
        for found in content["rows"]:
            assert "error" not in found
            assert "cut" not in found or "compile" in found["name"]  # which has three seconds in a dry run
    folder, printed = dry_run
    assert printed.endswith((folder / "table.md").read_text() + "\n")


@pytest.mark.slow
def test_nothing_is_left_out(figures):
    named = {stage: {found["name"] for found in content["rows"]} for stage, content in figures.items()}
    assert {"reference", "fast, bfloat16", "ceiling", *ingredients(), *OPTIONS} <= named["train_step"]
    encodings = {path.stem for path in (ROOT / "conf" / "encoding").glob("*.yaml")}
    assert named["models"] == {*encodings, "spade", "pix2pixhd"}
    assert {f"{path}, batch {count}" for path in ("fast, dense", "fast, sparse") for count in (1, 2)} <= named[
        "painting"
    ]


@pytest.mark.slow
def test_losses_of_the_same_step_agree(figures):
    rows = {found["name"]: found for found in figures["smoke"]["rows"]}
    assert rows["float32"]["difference"] < 1e-5
    assert 0 < rows["bfloat16"]["difference"] < 5e-2
    assert rows["bfloat16"]["agrees"]


@pytest.mark.slow
def test_a_real_training_leaves_curves_and_pictures(dry_run, figures):
    folder, _ = dry_run
    assert list((folder / "training" / "samples").glob("*.png"))
    assert "generator/adversarial" in (folder / "training" / "metrics.csv").read_text()
    assert figures["training"]["rows"][0]["discriminator/real"] > 0


def test_what_hangs_fails_or_dies_is_told_and_the_rest_goes_on(tmp_path):
    found = []
    track = [
        Line("first", partial(row, "first")),
        Line("hanging", partial(time.sleep, 600), seconds=0.3),
        Line("failing", fail),
        Line("dying", partial(os._exit, 7)),
        Line("last", partial(row, "last")),
    ]
    run_tracks([track, [Line("beside", partial(row, "beside"))]], time.monotonic() + 60, tmp_path / "log", found.append)
    rows = {each["name"]: each for each in found}
    assert [name for name in rows if name != "beside"] == [line.name for line in track]
    assert all(rows[name]["seconds"] == 1.0 for name in ("first", "last", "beside"))
    assert rows["hanging"]["cut"] == "after 0 s"
    assert rows["failing"]["error"] == "ValueError: no such luck (see log)"
    assert "exit code 7" in rows["dying"]["error"]
    assert "in last" in (tmp_path / "log").read_text()


def test_a_cut_run_leaves_figures_and_says_what_was_cut(given, tmp_path, monkeypatch, capsys):
    hanging = [Line("quick", partial(row, "quick")), Line("slow", partial(time.sleep, 600)), Line("behind", fail)]
    stages = [Stage("smoke", 8, [hanging]), Stage("models", None, [[Line("next", partial(row, "next"))]])]
    monkeypatch.setattr(lines, "agenda", lambda *_: stages)
    main([*given, "--seconds", "60"])
    smoke, models = (
        json.loads((tmp_path / "out" / f"{name}.json").read_text())["rows"] for name in ("smoke", "models")
    )
    assert smoke[0] == {"name": "quick", "seconds": 1.0}
    assert smoke[1] == {"name": "slow", "cut": "after 1 s"}
    assert smoke[2] == {"name": "behind", "cut": "no time left to start it"}
    assert models == [{"name": "next", "seconds": 1.0}]
    assert "- slow: cut after 1 s\n- behind: cut no time left to start it\n" in capsys.readouterr().out


def test_figures_of_an_earlier_run_are_removed(given, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "models.json").write_text("{}")
    monkeypatch.setattr(lines, "agenda", lambda *_: [Stage("models", None, [])])
    main(given)
    assert not (tmp_path / "out" / "models.json").exists()


def test_missing_packages_are_named_before_anything_starts(given, tmp_path, monkeypatch):
    monkeypatch.setattr(beforehand, "find_spec", lambda name: None if name in ("hydra", "PIL") else True)
    with pytest.raises(SystemExit, match=r"Missing packages: hydra-core, pillow\. Install them .* --no-index"):
        main(given)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_told(given, monkeypatch):
    monkeypatch.setattr(beforehand.shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(10**8))
    with pytest.raises(SystemExit, match=r"out: 0\.1 GB are free, but 0\.5 GB are needed"):
        main(given)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_missing_gpu_is_told(given):
    with pytest.raises(SystemExit, match=r"No cuda device that torch can use: .*nvidia-smi.*TINY=1 DEVICE=cpu"):
        main([*given, "--device", "cuda"])


def test_multiples_are_those_of_the_reference():
    rows = [
        {"name": "ceiling", "tflops": 800.0},
        {"name": "reference", "batch_size": 8, "images_per_second": 10.0, "peak_bytes": 40, "flops_per_image": 4e12},
        {"name": "fast, bfloat16", "batch_size": 8, "images_per_second": 50.0, "peak_bytes": 10},
        {"name": "larger", "batch_size": 20, "images_per_second": 60.0, "peak_bytes": 25},
        {"name": "recompute", "cut": "after 3 s"},
    ]
    _, _, fast, larger, cut = compared("train_step", rows)
    assert (fast["ratio"], fast["memory_ratio"], fast["tflops"], fast["of_ceiling"]) == (5.0, 0.25, 200.0, 0.25)
    assert larger["ratio"] == 6.0
    assert "memory_ratio" not in larger
    assert cut == rows[-1]
