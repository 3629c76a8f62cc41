import json

import pytest
import torch
from hydra.utils import instantiate
from tiny_transformers import save_tiny_clip, save_tiny_dinov2

from oasis.errors import ConfigurationError
from oasis.metrics import listed
from oasis.scoring import load_metric_networks
from oasis.training import Metrics

pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def no_inception(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)


@pytest.fixture
def folder(tmp_path):
    return save_tiny_dinov2(tmp_path / "dinov2")


def of_all(folder, tmp_path):
    return [
        "metrics=all",
        f"metrics.dinov2.weights={folder}",
        "metrics.dinov2.any_size=true",
        f"metrics.clip.weights={tmp_path / 'nowhere'}",
    ]


def test_those_that_are_missing_are_left_out_with_one_warning(data, composed, folder, tmp_path):
    sources = listed(instantiate(composed(*of_all(folder, tmp_path)).metrics))
    assert len(sources) == 3
    before = torch.get_rng_state()
    with pytest.warns(UserWarning, match=r"Inception.*nowhere: no such folder.*are left out") as caught:
        networks = load_metric_networks(data(), sources, None)
    assert len([each for each in caught if "left out" in str(each.message)]) == 1
    assert [extractor.title for extractor in networks.extractors] == ["frechet_dinov2"]
    assert len(networks.missing) == 2
    assert torch.get_rng_state().equal(before)


def test_one_can_be_taken_out(composed, folder, tmp_path):
    config = composed(*of_all(folder, tmp_path), "metrics.clip=null", "metrics.inception=null")
    (source,) = listed(instantiate(config.metrics))
    (extractor,) = source(None)
    assert extractor.title == "frechet_dinov2"
    callback = instantiate(config.callbacks.metrics)
    assert isinstance(callback, Metrics)
    assert len(callback.sources) == 1


def test_none_and_one(composed):
    assert listed(instantiate(composed("metrics=none").metrics)) == []
    assert len(listed(instantiate(composed("metrics=clip").metrics))) == 1
    assert instantiate(composed("metrics=none").callbacks.metrics).sources == []


def test_a_folder_of_another_network_is_an_error(data, composed, tmp_path):
    other = save_tiny_clip(tmp_path / "clip")
    assert json.loads((other / "config.json").read_text())["model_type"] == "clip"
    sources = listed(instantiate(composed("metrics=dinov2", f"metrics.weights={other}").metrics))
    with pytest.raises(ConfigurationError, match="settings of a 'clip' model, not of 'dinov2'"):
        load_metric_networks(data(), sources, None)
