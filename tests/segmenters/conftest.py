"""Tiny segmenters of random weights, one for each yaml of conf/segmenter."""

from pathlib import Path

import pytest
import torch
from checkpoints_of_transformers import save_checkpoint
from segmenting import varied_unet

from oasis.labels import LabelSpace
from oasis.segmenters.drn_layers import DRN

CONFIGS = {path.stem: path for path in sorted((Path(__file__).parents[2] / "conf" / "segmenter").glob("*.yaml"))}
SMALLER = {"drn_d_105_upsampled": {"height": 40, "width": 72}}
WITHOUT = "none"  # the yaml that switches segmenters off


def pytest_generate_tests(metafunc):
    """A test with the parameter `name` runs once for each segmenter."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [name for name in CONFIGS if name != WITHOUT])


@pytest.fixture(scope="session")
def mask2former(tmp_path_factory):
    """A Mask2Former of a few channels, saved as a checkpoint is."""
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("mask2former")
    save_checkpoint("mask2former", LabelSpace.cityscapes_train_ids().names[:19], folder)
    return folder


@pytest.fixture(scope="session")
def transformers(tmp_path_factory):
    """A SegFormer of a few channels."""
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("segformer")
    save_checkpoint("segformer", LabelSpace.cityscapes_train_ids().names[:19], folder)
    return folder


@pytest.fixture(scope="session")
def unet(tmp_path_factory):
    """The file of a varied `UNetSegmenter`."""
    path = tmp_path_factory.mktemp("unet") / "segmenter.pt"
    varied_unet(LabelSpace.cityscapes_ids()).save(path)
    return path


@pytest.fixture(scope="session")
def drn_d_105(tmp_path_factory):
    """The weights of a DRN-D-105 as it is initialised, with random statistics, as its authors' file has them."""
    torch.manual_seed(0)
    state = DRN().state_dict()
    for name, tensor in state.items():
        if name.endswith("running_mean"):
            tensor.normal_(std=0.1)
    path = tmp_path_factory.mktemp("drn") / "drn-d-105_ms_cityscapes.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def drn_d_105_upsampled(drn_d_105):
    return drn_d_105


@pytest.fixture
def build(request):
    """A segmenter by the name of its yaml; the fixture of that name makes its weights."""

    def instantiated(name, weights=None):
        from hydra.utils import instantiate
        from omegaconf import OmegaConf

        weights = weights or request.getfixturevalue(name)
        settings = {"weights": str(weights), **SMALLER.get(name, {})}
        source = instantiate(OmegaConf.merge(OmegaConf.load(CONFIGS[name]), settings))
        return source(Path("no default"))

    return instantiated
