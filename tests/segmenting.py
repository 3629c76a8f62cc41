"""Segmenters for the tests, none of them trained."""

import torch

from oasis.segmenters import UNetSegmenter
from oasis.segmenters.grouping import Grouping


def untrained_segmenter(ids, monkeypatch, folder):
    """Overrides that switch the scores of an untrained segmenter on."""
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(folder / "cache"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(folder / "hub"))
    torch.manual_seed(3)
    UNetSegmenter(ids, channels=4, depth=3).save(folder / "segmenter.pt")
    return ["metrics=segmenter", "segmenter=unet", f"segmenter.weights={folder / 'segmenter.pt'}"]


def random_pictures(count=3, height=48, width=80, seed=0):
    """(count, 3, height, width) in [-1, 1]."""
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def varied_unet(space, facts=None):
    """Untrained, but sees many classes and instances."""
    torch.manual_seed(0)
    segmenter = UNetSegmenter(space, channels=8, depth=3, grouping=Grouping(threshold=0.2), facts=facts)
    heads = (segmenter.network.semantic[-1], segmenter.network.instances[-2])
    with torch.no_grad():
        for parameter in (parameter for head in heads for parameter in head.parameters()):
            parameter.normal_()
        segmenter.network.train()
        for seed in range(20):  # BatchNorm statistics that fit, otherwise one class dominates
            segmenter.network(random_pictures(seed=seed))
        segmenter.network.eval()
    return segmenter
