"""A judge for the tests, which need none that can see."""

import torch

from oasis.metrics import UNetJudge


def untrained_judge(ids, monkeypatch, folder):
    """Overrides that switch the scores of an untrained judge on."""
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(folder / "cache"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(folder / "hub"))
    torch.manual_seed(3)
    UNetJudge(ids, channels=4, depth=3).save(folder / "judge.pt")
    return ["metrics=judge", "judge=unet", f"judge.weights={folder / 'judge.pt'}"]
