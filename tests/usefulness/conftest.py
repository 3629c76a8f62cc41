import numpy as np
import pytest
import torch
from PIL import Image

from oasis.checkpoint.own_data import own_data
from oasis.data import Cityscapes, LabelMapDataModule
from oasis.evaluation import open_models
from oasis.training.segmenter_fit import NoCondition
from oasis.usefulness import Recipe, UsefulnessStudy


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model(trained):
    (one,) = open_models([trained("run", "trainer.max_epochs=1", "generator.init_gain=1")], own_data)
    return one


@pytest.fixture
def study():
    """Makes a study that takes seconds; `told` has what it prints."""

    def make(*models, steps=10, seeds=2, draws=2, told=None, **settings):
        return UsefulnessStudy(
            models,
            torch.device("cpu"),
            "val",
            Recipe(steps, channels=4, depth=3),
            range(seeds),
            range(draws),
            tell=(lambda text: None) if told is None else told.append,
            progress=False,
            **settings,
        )

    return make


@pytest.fixture
def patches(ids, tmp_path):
    """12 training and 4 validation photos of grey road and blue sky in random patches: easy, unless maps are mixed."""
    rng = np.random.default_rng(0)
    for number in range(16):
        split, name = ("train" if number < 12 else "val"), f"town_{number:06d}_000019"
        label = rng.choice(np.array([7, 23], np.uint8), (4, 8)).repeat(8, 0).repeat(8, 1)
        photo = np.where(label[..., None] == 7, (90, 90, 90), (60, 120, 220)) + rng.integers(-20, 20, (32, 64, 3))
        for kind, ending, pixels in (
            ("leftImg8bit", "leftImg8bit", photo.astype(np.uint8)),
            ("gtFine", "gtFine_labelIds", label),
            ("gtFine", "gtFine_instanceIds", label.astype(np.uint16)),
        ):
            folder = tmp_path / "patches" / kind / split / "town"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{name}_{ending}.png")
    return LabelMapDataModule(
        Cityscapes(tmp_path / "patches"), NoCondition(ids), ids, 32, 64, batch_size=2, num_workers=0
    )
