"""Fixtures: tiny datasets that are written as needed, and runs small enough for a test."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from PIL import Image

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
    "generator.channels=2",
    "generator.spade_channels=4",
    "generator.noise_dim=4",
    "generator.num_blocks=4",
    "discriminator.channels=4",
    "discriminator.num_blocks=4",
    "trainer.accelerator=cpu",
    "trainer.log_every_n_steps=1",
    "callbacks.ema.bn_batches=2",
    "callbacks.progress_bar=null",
    "metrics=none",
    "trainer.enable_progress_bar=false",
    "callbacks.image_logger.samples=2",
    "name=test",
]


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


@pytest.fixture
def tiny(tmp_path: Path) -> TinyDataset:
    """7 training and 3 validation samples of 128x64."""
    dataset = TinyDataset(tmp_path / "dataset")
    for i in range(7):
        dataset.add("train", f"town_{i:06d}_000019", seed=i)
    for i in range(3):
        dataset.add("val", f"town_{100 + i:06d}_000019", seed=100 + i)
    return dataset


@pytest.fixture
def composed() -> Callable[..., DictConfig]:
    """Composes what `python train.py OVERRIDES` composes."""

    def compose_config(*overrides: str) -> DictConfig:
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(CONF), version_base="1.3"):
            HydraConfig.instance().set_config(compose("train", overrides=list(overrides), return_hydra_config=True))
            return compose("train", overrides=list(overrides))

    return compose_config


@pytest.fixture
def tiny_overrides(tiny: TinyDataset, tmp_path: Path) -> list[str]:
    """Settings for a run that takes a second."""
    return [*TINY, f"paths.runs={tmp_path / 'runs'}", f"data.root={tiny.root}"]


@pytest.fixture(scope="session")
def run_two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Runs a file as two processes, `python FILE RANK FOLDER`; returns the folder, into which both have written."""

    def run(file: str) -> Path:
        folder = tmp_path_factory.mktemp(Path(file).stem)
        ranks = [
            subprocess.Popen(
                [sys.executable, "-W", "ignore", file, str(rank), str(folder)],
                env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(2)
        ]
        try:
            for rank in ranks:
                _, complaint = rank.communicate(timeout=120)
                assert rank.returncode == 0, complaint[-3000:]
        finally:
            for rank in ranks:
                rank.kill()
                rank.wait()
        return folder

    return run


@pytest.fixture
def fit(composed: Callable[..., DictConfig], tiny_overrides: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Trains tiny networks on the tiny dataset in this process; returns the run folder."""
    from train import train

    def run(folder: str, *overrides: str) -> Path:
        output = tmp_path / "runs" / "test" / folder
        output.mkdir(parents=True, exist_ok=True)
        train(composed(*tiny_overrides, f"paths.output_dir={output}", *overrides))
        return output

    return run
