"""A segmenter for the tests, which need none that can see."""

import torch

from oasis.segmenters import UNetSegmenter


def untrained_segmenter(ids, monkeypatch, folder):
    """Overrides that switch the scores of an untrained segmenter on."""
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(folder / "cache"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(folder / "hub"))
    torch.manual_seed(3)
    UNetSegmenter(ids, channels=4, depth=3).save(folder / "segmenter.pt")
    return ["metrics=segmenter", "segmenter=unet", f"segmenter.weights={folder / 'segmenter.pt'}"]
