"""What tests of several commands need."""

import pytest


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    """Empty caches, and no network."""
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))

    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
