"""Fixtures: tiny datasets that are written as needed, and runs small enough for a test."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from model_sizes import OF_OASIS, fitted
from omegaconf import DictConfig, open_dict
from PIL import Image
from starting import Python

from oasis.labels import LabelSpace

os.environ["PANOPTIC_OASIS_LOCAL"] = "none"  # whatever conf/local holds here

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"

TINY = [
    "data=cityscapes",
    "data.height=32",
    "data.width=64",
    "data.batch_size=2",
    "data.num_workers=0",
    *OF_OASIS,
    "trainer.accelerator=cpu",
    "trainer.log_every_n_steps=1",
    "callbacks.ema.bn_batches=2",
    "callbacks.progress_bar=null",
    "metrics=none",
    "trainer.enable_progress_bar=false",
    "callbacks.image_logger.samples=2",
    "callbacks.loss_plot=null",
    "name=test",
]


SLOW_FIXTURES = {"fit", "python", "browser", "address", "run_two_ranks", "start", "trained"}
SLOW_FILES = {
    "app", "export", "reliability", "streets", "test_inception.py", "test_official.py", "test_official_commands.py",
    "test_generate_photos.py", "test_evaluate_command.py", "test_report_command.py", "test_measure.py",
    "test_evaluate_images_command.py",
    "test_speed.py", "test_module.py", "test_segmenter_training.py", "test_regression.py", "test_golden_import.py",
    "test_from_checkpoint.py", "test_loading.py", "test_cached_samples.py", "test_real_data.py",
    "test_wandb_workspace.py", "test_summary.py", "test_packaging.py", "test_extending.py", "test_train.py",
    "test_synthesizer.py", "test_encodings_command.py", "test_diversity.py", "test_written_report.py",
    "test_generate_command.py", "test_dissection.py", "test_run_summary.py", "test_conf.py", "test_wandb_access.py",
    "test_your_data.py", "test_every_dataset.py", "test_generators_page.py",
    "test_quickstart.py", "test_site.py",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that `make test-quick` skips: training, processes, a browser, or large networks."""
    for item in items:
        parts = {*item.path.relative_to(ROOT / "tests").parts} if item.path.is_relative_to(ROOT / "tests") else set()
        if SLOW_FILES & parts or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


_frozen = [0]  # how many modules were imported when the garbage collector last looked at them


@pytest.fixture(scope="module", autouse=True)
def _frozen_imports() -> None:
    """What is imported is not searched for garbage again and again: that takes a fifth of a tiny training."""
    if len(sys.modules) > _frozen[0] + 50:
        _frozen[0] = len(sys.modules)
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Python:
    """Starts Python processes within a fraction of a second."""
    return Python(tmp_path_factory.mktemp("python"))


@pytest.fixture
def ids() -> LabelSpace:
    return LabelSpace.cityscapes_ids()


class TinyDataset:
    """Writes samples in the layout of Cityscapes: a road, a sky, two touching cars and a group of persons."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def photo(self, split: str, name: str, suffix: str = "png") -> Path:
        return self.root / "leftImg8bit" / split / "town" / f"{name}_leftImg8bit.{suffix}"

    def label(self, split: str, name: str) -> Path:
        return self.root / "gtFine" / split / "town" / f"{name}_gtFine_labelIds.png"

    def instance(self, split: str, name: str) -> Path:
        return self.root / "gtFine" / split / "town" / f"{name}_gtFine_instanceIds.png"

    def add(self, split: str, name: str, *, seed: int = 0, suffix: str = "png", instances: bool = True) -> None:
        rng = np.random.default_rng(seed)
        height, width = 64, 128
        label = np.full((height, width), 23, np.uint8)  # sky
        label[30:] = 7  # road
        label[:4, :9] = 0  # unlabelled
        instance = label.astype(np.uint16)
        column = int(rng.integers(4, 40))
        for k in (0, 2):  # two cars that touch; numbering has gaps, as in Cityscapes
            label[28:44, column : column + 20] = 26
            instance[28:44, column : column + 20] = 26000 + k
            column += 20
        label[20:40, 100:120] = 24  # a group of persons
        instance[20:40, 100:120] = 24
        colors = rng.integers(0, 255, (35, 3))
        photo = (colors[label] + rng.normal(0, 8, (height, width, 3))).clip(0, 255).astype(np.uint8)
        for path in (self.photo(split, name, suffix), self.label(split, name)):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(self.photo(split, name, suffix))
        Image.fromarray(label).save(self.label(split, name))
        if instances:
            Image.fromarray(instance).save(self.instance(split, name))


@pytest.fixture(scope="session")
def tiny_once(tmp_path_factory: pytest.TempPathFactory) -> TinyDataset:
    """7 training and 3 validation samples of 128x64, shared by all tests: nothing in it may be changed."""
    dataset = TinyDataset(tmp_path_factory.mktemp("tiny"))
    for i in range(7):
        dataset.add("train", f"town_{i:06d}_000019", seed=i)
    for i in range(3):
        dataset.add("val", f"town_{100 + i:06d}_000019", seed=100 + i)
    return dataset


@pytest.fixture
def tiny(tiny_once: TinyDataset, tmp_path: Path) -> TinyDataset:
    """The same samples in a folder of the test's own."""
    return TinyDataset(shutil.copytree(tiny_once.root, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def composed() -> Callable[..., DictConfig]:
    """Composes what `python train.py OVERRIDES` composes."""

    def compose_config(*overrides: str) -> DictConfig:
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = compose("train", overrides=list(overrides), return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg

    return compose_config


@pytest.fixture
def tiny_overrides(tiny: TinyDataset, tmp_path: Path) -> list[str]:
    """Settings for a run that takes a second."""
    return [*TINY, f"paths.runs={tmp_path / 'runs'}", f"data.root={tiny.root}"]


@pytest.fixture(scope="session")
def run_two_ranks(python: Python, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Runs a file as two processes, `python FILE RANK FOLDER`; returns the folder, into which both have written."""

    def run(file: str) -> Path:
        folder = tmp_path_factory.mktemp(Path(file).stem)
        ranks = [python.start(file, str(rank), str(folder)) for rank in range(2)]
        for done in [rank.end(120) for rank in ranks]:
            assert done.returncode == 0, done.stderr[-3000:]
        return folder

    return run


@pytest.fixture
def fit(composed: Callable[..., DictConfig], tiny_overrides: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Trains tiny networks on the tiny dataset in this process, of any `model=`; returns the run folder."""

    def run(folder: str, *overrides: str) -> Path:
        return _train(composed, tmp_path / "runs" / "test" / folder, [*tiny_overrides, *overrides])

    return run


@pytest.fixture(scope="session")
def _fit_once(
    composed: Callable[..., DictConfig], tiny_once: TinyDataset, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    runs = tmp_path_factory.mktemp("once")

    @cache
    def run(*overrides: str) -> Path:
        folder = Path(tempfile.mkdtemp(dir=runs))
        return _train(composed, folder, [*TINY, f"paths.runs={runs}", f"data.root={tiny_once.root}", *overrides])

    return run


@pytest.fixture
def trained(_fit_once: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A run as `fit` leaves it, for tests of what is done with one: the same settings are trained only once.

    The folder is a copy that the test may change; the settings are those of a run elsewhere.
    """

    def copy(folder: str, *overrides: str) -> Path:
        return Path(shutil.copytree(_fit_once(*overrides), tmp_path / "runs" / "test" / folder))

    return copy


def _train(composed: Callable[..., DictConfig], folder: Path, overrides: list[str]) -> Path:
    from train import train

    folder.mkdir(parents=True, exist_ok=True)
    train(composed(*fitted(overrides), f"paths.output_dir={folder}"))
    return folder
