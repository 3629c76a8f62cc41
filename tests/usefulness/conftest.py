import pytest
import torch

from oasis.evaluation import open_models, own_data
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
