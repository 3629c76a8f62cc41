"""An Inception file of random weights, so that no test needs the download."""

from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as fidelity


def pictures(count, height, width, seed, contrast=0.5):
    """(count, 3, H, W) float in [-1, 1]: smooth blobs under noise, of a colour that varies."""
    draw = torch.Generator().manual_seed(seed)
    blobs = torch.randn(count, 3, 6, 8, generator=draw)
    blobs = nn.functional.interpolate(blobs, size=(height, width), mode="bicubic")
    colour = torch.randn(count, 3, 1, 1, generator=draw) * 0.5
    noise = torch.randn(count, 3, height, width, generator=draw) * 0.2
    return (blobs * contrast + colour + noise).clamp(-1, 1)


def random_inception():
    """torch-fidelity's network without its weights: He initialisation, BatchNorm statistics of a few pictures.

    With the usual small initialisation all pictures would have almost the same features after 94 layers.
    """
    loading = (
        patch.object(fidelity, "load_state_dict_from_url"),
        patch.object(fidelity.FeatureExtractorInceptionV3, "load_state_dict"),
    )
    with torch.random.fork_rng(devices=[]), loading[0], loading[1], torch.no_grad():
        torch.manual_seed(0)
        network = fidelity.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the mean over the batches seen, here one
                nn.init.normal_(module.bias, 0, 0.3)
        network.train()
        network(((pictures(4, 299, 299, seed=0) + 1) * 127.5).byte())
    return network.eval()


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(random_inception().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def draw_pictures():
    return pictures
