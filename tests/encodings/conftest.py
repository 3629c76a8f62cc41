"""Every encoding of conf/encoding, and maps to test them on."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from hypothesis import strategies as st
from omegaconf import OmegaConf

CONFIGS = {path.stem: path for path in sorted((Path(__file__).parents[2] / "conf" / "encoding").glob("*.yaml"))}
SPACE = {"label_space": {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}}


def pytest_generate_tests(metafunc):
    """A test with the parameter `name` runs once for each encoding."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", CONFIGS)


@pytest.fixture(scope="session")
def config():
    """The path of an encoding's yaml."""
    return CONFIGS.__getitem__


@pytest.fixture(scope="session")
def build():
    """An encoding by name, with the 35 classes of Cityscapes."""

    def instantiated(name, training=True):
        return instantiate(OmegaConf.merge(OmegaConf.load(CONFIGS[name]), SPACE)).train(training)

    return instantiated


@pytest.fixture(scope="session")
def small_maps():
    """Strategy: any label map, any instance map; also numbers on stuff, and instances that span classes."""

    def of_size(size):
        label = st.lists(st.sampled_from([0, 7, 24, 26, 34]), min_size=size[0] * size[1], max_size=size[0] * size[1])
        instance = st.lists(st.integers(0, 4), min_size=size[0] * size[1], max_size=size[0] * size[1])
        return st.tuples(label, instance).map(lambda maps: [torch.tensor(each).view(1, *size) for each in maps])

    return st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(of_size)


@pytest.fixture(scope="session")
def random_maps():
    """Maps of two images with given highest instance numbers."""

    def make(instances=3, height=8, width=12, seed=0):
        generator = torch.Generator().manual_seed(seed)
        label = torch.randint(0, 35, (2, height, width), generator=generator)
        instance = torch.randint(0, instances + 1, (2, height, width), generator=generator)
        thing = (label >= 24) & (label <= 33)
        return label, instance * thing

    return make
