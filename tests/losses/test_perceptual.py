from urllib.error import URLError

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import VGG19_Weights

from oasis.errors import ConfigurationError
from oasis.losses import VGGPerceptualLoss

# VGG-19 up to relu5_1, every width a 16th of the real one ("M" is a pooling).
LAYERS = (4, 4, "M", 8, 8, "M", 16, 16, 16, 16, "M", 32, 32, 32, 32, "M", 32)


def plain_features():
    layers, channels = [], 3
    for width in LAYERS:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers)


@pytest.fixture
def vgg():
    torch.manual_seed(0)
    return nn.ModuleDict({"features": plain_features()})


@pytest.fixture
def file(vgg, tmp_path):
    path = tmp_path / "vgg19.pth"
    torch.save(vgg.state_dict(), path)
    return path


@pytest.fixture
def pictures():
    return torch.rand(2, 2, 3, 32, 48, generator=torch.Generator().manual_seed(0)).mul(2).sub(1).unbind()


def test_distance_is_that_of_the_plain_network(vgg, file, pictures):
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

    def features(x):
        x = ((x + 1) / 2 - mean[:, None, None]) / std[:, None, None]
        for position, layer in enumerate(vgg["features"]):
            x = layer(x)
            if position in (1, 6, 11, 20, 29):
                yield x

    fake, real = pictures
    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)
    pairs = zip(weights, features(fake), features(real), strict=True)
    expected = sum(weight * F.l1_loss(a, b) for weight, a, b in pairs)
    torch.testing.assert_close(VGGPerceptualLoss(file)(fake, real), expected)


def test_zero_for_identical_pictures_and_positive_otherwise(file, pictures):
    loss = VGGPerceptualLoss(str(file))
    assert loss(pictures[0], pictures[0]) == 0
    assert loss(*pictures) > 0


def test_the_gradient_goes_to_the_fake_alone(file, pictures):
    fake, real = (picture.clone().requires_grad_() for picture in pictures)
    VGGPerceptualLoss(file)(fake, real).backward()
    assert fake.grad.abs().sum() > 0
    assert real.grad is None
    assert fake.detach().equal(pictures[0]), "nothing may write into the pictures"


def test_frozen_and_not_in_a_checkpoint(file):
    holder = nn.ModuleDict({"perceptual": VGGPerceptualLoss(file)})
    assert not list(holder.parameters())
    assert not holder.state_dict()
    holder.load_state_dict({}, strict=True)
    assert {b.device.type for b in holder.to("meta").buffers()} == {"meta"}, "it moves with its holder all the same"


def test_float32_under_autocast(file, pictures):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = VGGPerceptualLoss(file)(*pictures)
    assert loss.dtype == torch.float32
    assert loss.isfinite()


def test_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.pth: no such file.*https://download\.pytorch\.org"):
        VGGPerceptualLoss(tmp_path / "nowhere.pth")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 torn"])
def test_not_a_torch_file(tmp_path, content):
    path = tmp_path / "page.pth"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"page\.pth: not a state dict"):
        VGGPerceptualLoss(path)


def test_a_folder(tmp_path):
    with pytest.raises(ConfigurationError, match="not a state dict"):
        VGGPerceptualLoss(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: [1, 2], "holds a list, not a state dict"),
        (lambda state: {"classifier.0.weight": torch.zeros(1)}, r"has no features\.0\.weight"),
        (lambda state: {k: v for k, v in state.items() if "16" not in k}, r"has no features\.16\.weight.*vgg19_bn"),
        (
            lambda state: state | {"features.2.weight": torch.zeros(4, 9, 3, 3)},
            r"features\.2\.weight is \(4, 9, 3, 3\)",
        ),
    ],
)
def test_another_network(vgg, tmp_path, change, message):
    path = tmp_path / "other.pth"
    torch.save(change(dict(vgg.state_dict())), path)
    with pytest.raises(ConfigurationError, match=r"other\.pth: " + message):
        VGGPerceptualLoss(path)


def test_without_a_path_torchvision_provides(monkeypatch, vgg, pictures):
    monkeypatch.setattr(VGG19_Weights, "get_state_dict", lambda self, *args, **kwargs: vgg.state_dict())
    assert VGGPerceptualLoss()(*pictures) > 0


def test_no_network(monkeypatch):
    def fail(self, *args, **kwargs):
        raise URLError("no route")

    monkeypatch.setattr(VGG19_Weights, "get_state_dict", fail)
    with pytest.raises(
        ConfigurationError, match=r"no route.*Fetch https://.*vgg19.*objective\.perceptual_weights_file=PATH"
    ):
        VGGPerceptualLoss()
