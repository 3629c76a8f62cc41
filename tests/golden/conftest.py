"""What the official OASIS, SPADE, pix2pixHD and DRN-D-105 compute on made-up weights and inputs, float32 on a CPU.

Inputs and weights are made up again here, by numpy's frozen `RandomState`, so that only results are stored: every
7th number of the outputs (every 61st of the largest). With the environment variable OASIS_PARITY, a folder with
the whole outputs as `official.npz`, `baselines.npz` and `drn_d_105.npz` (and weights as `tiny_EMA.pth` and others), all
numbers are compared.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

_STRIDES = {
    "discriminator_eval": 61,
    **{f"spade_{name}": 61 for name in ("generator", "generator_vae", "generator_more")},
    **{f"pix2pixhd_{name}": 61 for name in ("global", "local", "encoder")},
    "edge": 1,
    "logits": 61,  # of DRN-D-105
}


@dataclass(frozen=True)
class Inputs:
    label: Tensor  # (2, 64, 128)
    noise: Tensor  # (2, 64)
    image: Tensor  # (2, 3, 64, 128)
    logits: Tensor  # (2, 36, 64, 128), as are the next two
    logits_fake: Tensor
    logits_mixed: Tensor


@pytest.fixture(scope="session")
def inputs():
    draw = np.random.RandomState(7)
    label = draw.randint(0, 34, (2, 8, 16)).repeat(8, 1).repeat(8, 2)
    label[0, :16, :32] = 0
    noise = draw.randn(2, 64)
    image = draw.uniform(-1, 1, (2, 3, 64, 128))
    logits = [2 * draw.randn(2, 36, 64, 128) for _ in range(3)]
    return Inputs(torch.from_numpy(label), *(torch.from_numpy(a).float() for a in (noise, image, *logits)))


@pytest.fixture(scope="session")
def stored():
    return dict(np.load(Path(__file__).with_name("official.npz")))


@pytest.fixture(scope="session")
def parity_folder():
    if "OASIS_PARITY" not in os.environ:
        pytest.skip("OASIS_PARITY names no folder with the whole official outputs")
    return Path(os.environ["OASIS_PARITY"])


@pytest.fixture(scope="session")
def stored_baselines():
    return dict(np.load(Path(__file__).with_name("baselines.npz")))


@dataclass(frozen=True)
class BaselineInputs:
    label: Tensor  # (2, 64, 128), 0..33
    instance_raw: Tensor  # the same: label * 1000 + 0..5
    image: Tensor  # (2, 3, 64, 128), the photos
    image_2: Tensor  # the same, the fakes
    z: Tensor  # (2, 256)


@pytest.fixture(scope="session")
def baseline_inputs():
    draw = np.random.RandomState(11)
    label = draw.randint(0, 34, (2, 8, 16)).repeat(8, 1).repeat(8, 2)
    instance_raw = 1000 * label + draw.randint(0, 6, (2, 4, 8)).repeat(16, 1).repeat(16, 2)
    images = [np.tanh(draw.randn(2, 3, 64, 128)) for _ in range(2)]
    floats = (torch.from_numpy(array).float() for array in (*images, draw.randn(2, 256)))
    return BaselineInputs(torch.from_numpy(label), torch.from_numpy(instance_raw), *floats)


Deviation = Callable[[str, Tensor], float]


def comparison(request, file: str, stored: dict[str, np.ndarray]) -> Deviation:
    """The largest difference from the official output of that name, relative to its standard deviation."""
    if request.param == "whole":
        whole = np.load(request.getfixturevalue("parity_folder") / file)

    def compute(name, tensor):
        ours = tensor.detach().numpy().reshape(-1).astype(np.float64)
        if request.param == "whole":
            official = whole[name].reshape(-1)
        else:
            official, ours = stored[name], ours[:: _STRIDES.get(name, 7)]
        assert ours.shape == official.shape
        return float(abs(ours - official).max() / official.std())

    return compute


@pytest.fixture(params=["stored", "whole"])
def deviation(request, stored) -> Deviation:
    return comparison(request, "official.npz", stored)


@pytest.fixture(params=["stored", "whole"])
def baseline_deviation(request, stored_baselines) -> Deviation:
    return comparison(request, "baselines.npz", stored_baselines)


@pytest.fixture(scope="session")
def stored_drn():
    return dict(np.load(Path(__file__).with_name("drn_d_105.npz")))


@pytest.fixture(params=["stored", "whole"])
def drn_deviation(request, stored_drn) -> Deviation:
    return comparison(request, "drn_d_105.npz", stored_drn)
