"""What the official OASIS computes on made-up weights and inputs, float32 on a CPU.

Inputs and weights are made up again here, by numpy's frozen `RandomState`, so that only results are stored: every
7th number of the outputs (every 61st of the discriminator's). With the environment variable OASIS_PARITY, a folder with
the whole outputs as `official.npz` (and the weights as `tiny_EMA.pth`), all numbers are compared.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

_STRIDES = {"discriminator_eval": 61}


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


@pytest.fixture(params=["stored", "whole"])
def deviation(request, stored) -> Callable[[str, Tensor], float]:
    """The largest difference from the official output of that name, relative to its standard deviation."""
    if request.param == "whole":
        whole = np.load(request.getfixturevalue("parity_folder") / "official.npz")

    def compute(name, tensor):
        ours = tensor.detach().numpy().reshape(-1).astype(np.float64)
        if request.param == "whole":
            official = whole[name].reshape(-1)
        else:
            official, ours = stored[name], ours[:: _STRIDES.get(name, 7)]
        assert ours.shape == official.shape
        return float(abs(ours - official).max() / official.std())

    return compute
