"""The perceptual term with and without VGG's weights on the machine."""

import warnings

import pytest
import torch
from torch import nn
from torchvision.models import VGG19_Weights

from oasis.errors import ConfigurationError
from oasis.losses import VGGPerceptualLoss
from oasis.objectives import HingeObjective, LeastSquaresObjective
from oasis.objectives.perceptual import PerceptualTerm

POSITIONS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of torchvision without a VGG."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / VGG19_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[-1]


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(VGG19_Weights, "get_state_dict", refuse)


def write(path):
    layers = {str(position): nn.Conv2d(3 if position == 0 else 2, 2, 3) for position in POSITIONS}
    torch.save({f"features.{name}": value for name, value in nn.ModuleDict(layers).state_dict().items()}, path)


@pytest.mark.parametrize("kind", [HingeObjective, LeastSquaresObjective])
def test_without_weights_it_is_off_and_says_so(hub, no_network, kind):
    with pytest.warns(UserWarning, match=rf"perceptual_weight=10.*is off: {hub}.*perceptual_required=true") as told:
        objective = kind(perceptual_weight=10)
    assert len(told) == 1
    assert objective.perceptual(torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)) == {}


def test_required_without_weights(hub, no_network):
    with pytest.raises(ConfigurationError, match=r"neither found .* nor downloaded \(no network\)"):
        HingeObjective(perceptual_weight=10, perceptual_required=True)


def test_a_missing_file_is_never_passed_over(hub, tmp_path):
    with pytest.raises(ConfigurationError, match=r"gone\.pth: no such file of VGG-19"):
        HingeObjective(perceptual_weight=10, perceptual_weights_file=str(tmp_path / "gone.pth"))


def test_weights_in_a_file_are_used(hub, tmp_path):
    write(tmp_path / "vgg.pth")
    fake, real = torch.rand(2, 1, 3, 32, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        term = PerceptualTerm(10, str(tmp_path / "vgg.pth"), required=False)
        assert PerceptualTerm(0, None, required=True)(fake, real) == {}
    expected = 10 * VGGPerceptualLoss(tmp_path / "vgg.pth")(fake, real)
    torch.testing.assert_close(term(fake, real), {"perceptual": expected})
    assert expected > 0


def test_weights_in_the_cache_are_looked_for(hub, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "oasis.objectives.perceptual.VGGPerceptualLoss", lambda path: asked.append(path) or nn.Identity()
    )
    hub.touch()
    assert PerceptualTerm(10, None, required=False).weight == 10
    assert asked == [None]
