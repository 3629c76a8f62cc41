"""DRN-D-105 computes what its authors' code computes on made-up weights."""

import numpy as np
import pytest
import torch

from oasis.segmenters.drn_layers import DRN


def made_up_value(name, position, shape):
    draw = np.random.RandomState(1000 + position)
    if name.endswith("running_var"):
        value = draw.uniform(0.5, 1.5, shape)
    elif name.endswith("running_mean"):
        value = 0.1 * draw.standard_normal(shape)
    elif len(shape) == 4:
        value = draw.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    else:
        value = 0.05 * draw.standard_normal(shape) + name.endswith(".weight")
    return torch.from_numpy(np.asarray(value, dtype=np.float32))


@pytest.fixture(scope="module")
def network(stored_drn):
    network = DRN().eval()
    state = network.state_dict()
    for position, name in enumerate(sorted(stored_drn["names"].tolist())):
        if not name.endswith("num_batches_tracked") and name != "up.weight":
            state[name] = made_up_value(name, position, state[name].shape)
    network.load_state_dict(state)
    return network


def test_names_and_size(network, stored_drn):
    assert sorted(network.state_dict()) == sorted(stored_drn["names"].tolist())
    assert sum(parameter.numel() for parameter in network.parameters()) == 54_298_051


def test_logits(network, drn_deviation):
    x = torch.from_numpy(np.random.RandomState(5).randn(1, 3, 64, 128)).float()
    with torch.no_grad():
        assert drn_deviation("logits_eighth", network.seg(network.features(x))) < 1e-4
        assert drn_deviation("logits", network(x)) < 1e-4
