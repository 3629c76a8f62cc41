"""`python train.py` as a user calls it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from PIL import Image
from starting import starter

ROOT = Path(__file__).parents[1]


def few(overrides):
    """Settings for few streets, where the others say nothing of the data."""
    return [] if any("data" in override for override in overrides) else ["data.streets.train=8", "data.streets.val=2"]


def train(*overrides, **settings):
    command = [sys.executable, "train.py", *overrides, *few(overrides)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, **settings)


@pytest.fixture
def forked(python):
    """As `train`, without the time that imports take."""
    return lambda *overrides: python.run("train.py", *overrides, *few(overrides))


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CITYSCAPES_DATASET", raising=False)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return starter(tmp_path_factory.mktemp("starts"))


@pytest.mark.usefixtures("cache")
def test_smoke(tmp_path):
    done = train("experiment=smoke", f"paths.runs={tmp_path}/runs", "summary=true")
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs" / "smoke").iterdir()
    for name in ("samples/batch_00000004.png", "losses.png", "checkpoints/last.ckpt", "metrics.csv", "config.yaml"):
        assert (run / name).is_file()
        assert str(run / name) in done.stdout  # named at the end, unbroken
    assert "OASISGenerator" in done.stdout
    assert "multiply-adds" in done.stdout
    assert re.search(r"images/s=\d.*to go=\d:\d\d:\d\d", done.stdout + done.stderr)
    config = OmegaConf.load(run / "config.yaml")
    assert config.generator.channels == 4
    assert config.paths.output_dir == str(run)
    assert "${" not in (run / "config.yaml").read_text()  # resolved
    assert OmegaConf.load(run / ".hydra" / "overrides.yaml")[0] == "experiment=smoke"


@pytest.mark.usefixtures("cache")
def test_multirun_gives_each_job_a_folder(forked, tmp_path):
    done = forked("-m", "experiment=smoke", f"paths.runs={tmp_path}/runs", "seed=1,2", "trainer.max_epochs=1")
    assert done.returncode == 0, done.stderr
    runs = sorted((tmp_path / "runs" / "smoke").glob("*/*/config.yaml"))
    assert [OmegaConf.load(path).seed for path in runs] == [1, 2]
    for path in runs:
        assert (path.parent / "metrics.csv").is_file()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["data.root=/no/such/place"], ["/no/such/place", "csDownload", "data=synthetic"]),
        (["data=cityscapes"], ["data.root", "CITYSCAPES_DATASET", "data=synthetic"]),
        (["data.height=48"], ["data.height=48", "multiples of 32", "data.height=64"]),
        (["data.batch_size=9", "data.streets.train=8"], ["data.streets.train=8", "one batch (9)"]),
        (["resume=nowhere.ckpt"], ["nowhere.ckpt", "no such checkpoint"]),
        (["resume=last"], ["no run below"]),
        (["seed=-1"], ["seed=-1: must be a whole number from 0 to 4294967295"]),
        (["seed=null"], ["seed=null: must be a whole number from 0 to 4294967295"]),
        (["seed=99999999999"], ["seed=99999999999: must be a whole number"]),
        (["trainer.gradient_clip_val=1.0"], ["trainer.gradient_clip_val: no such setting"]),
        (["+trainer.gradient_clip_val=1.0"], ["gradient clipping", "manual optimization"]),
        (["+trainer.accumulate_grad_batches=2"], ["trainer.accumulate_grad_batches", "model.accumulate_batches"]),
        (["generator.norm=layer"], ["layer", "batch, sync_batch, instance"]),
        (["data.bach_size=2"], ["data.bach_size: no such setting", "data.batch_size"]),
    ],
    ids=lambda value: "-".join(value)[:30] if isinstance(value, list) else "",
)
def test_bad_settings_end_early_with_one_clear_message(start, tmp_path, overrides, words):
    arguments = ("experiment=smoke", f"paths.runs={tmp_path}/runs", *overrides, *few(overrides))
    code, said = start(*arguments, CITYSCAPES_DATASET=None)
    assert code != 0
    for word in words:
        assert word in said, said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("runs/**/*.ckpt"))
    assert not list(tmp_path.glob("runs/**/*.png"))


@pytest.mark.usefixtures("cache")
def test_an_output_folder_that_cannot_be_written(forked, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = forked("experiment=smoke", f"paths.output_dir={tmp_path}/file/run")
    assert done.returncode != 0
    assert f"{tmp_path}/file" in done.stderr
    assert "paths.output_dir" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", [0, 1])
def test_a_torn_file_in_the_middle_of_training_is_named(forked, tiny, tmp_path, workers):
    path = tiny.label("train", "town_000003_000019")
    path.write_bytes(path.read_bytes()[:-30])
    done = forked("experiment=smoke", f"paths.runs={tmp_path}/runs", f"data.root={tiny.root}",
                  f"data.num_workers={workers}", "trainer.limit_train_batches=null")  # fmt: skip
    assert done.returncode != 0
    assert f"error: {path}: cannot be decoded" in done.stderr
    assert "Traceback" not in done.stderr


def test_jpeg_photos_and_missing_instance_maps_train(forked, tiny, tmp_path):
    for path in (tiny.root / "leftImg8bit").rglob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    for path in (tiny.root / "gtFine").rglob("*instanceIds.png"):
        path.unlink()
    done = forked("experiment=smoke", f"paths.runs={tmp_path}/runs", f"data.root={tiny.root}", "trainer.max_epochs=1")
    assert done.returncode == 0, done.stderr
