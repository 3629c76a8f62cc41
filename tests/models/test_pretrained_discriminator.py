import subprocess
import sys
from types import SimpleNamespace
from urllib.error import URLError

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.transforms.functional import normalize

from oasis.checkpoint.safe_config import ALLOWED_TARGETS
from oasis.errors import ConfigurationError
from oasis.models import PretrainedDiscriminator
from oasis.models.backbones import Backbone, TorchvisionBackbone
from oasis.models.timm_backbone import TimmBackbone
from oasis.pretrained import are_weights_in_checkpoint, weights_in_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:discriminator.backbone.random_weights")
NETWORKS = ("convnext_tiny", "efficientnet_b0")
CHANNELS = {
    "convnext_tiny": {4: 96, 8: 192, 16: 384, 32: 768},
    "convnext_small": {4: 96, 8: 192, 16: 384, 32: 768},
    "efficientnet_b0": {2: 16, 4: 24, 8: 40, 16: 112, 32: 1280},
    "efficientnet_v2_s": {2: 24, 4: 48, 8: 64, 16: 160, 32: 1280},
}


class Tiny(Backbone):
    """A network with a batch norm, whose statistics a training step must not change."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.Tanh())
        self.second = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Tanh())
        self.channels = {2: 6, 4: 8}
        self.freeze((0.5, 0.4, 0.3), (0.3, 0.2, 0.1))

    def forward(self, image):
        half = self.first(self.normalized(image))
        return {2: half, 4: self.second(half)}


def built(seed=0, backbone=Tiny, **settings):
    torch.manual_seed(seed)
    return PretrainedDiscriminator(5, backbone(), **{"channels": 8, "num_blocks": 2, "init_gain": 1.0, **settings})


def picture(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(scope="module", params=NETWORKS)
def saved(request, tmp_path_factory):
    """A network of torchvision with random weights and statistics, and the file that holds it."""
    torch.manual_seed(0)
    network = models.get_model(request.param, weights=None)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.running_mean)
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pth"
    torch.save(network.state_dict(), path)
    return SimpleNamespace(name=request.param, network=network.eval(), path=path)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """torch.hub's cache, empty, on a machine without network."""

    def unreachable(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


def test_features_are_those_of_torchvision(saved):
    """The last of each size; the coarsest are what its own classifier reads."""
    backbone = TorchvisionBackbone(saved.name, weights_file=str(saved.path))
    image = picture(2, 3, 64, 96)
    features = backbone(image)
    given = normalize((image + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(features[32], saved.network.features(given))
    x, seen = given, {}
    for layer in saved.network.features:
        x = layer(x)
        seen[64 // x.shape[2]] = x
    assert {stride: tuple(each.shape[1:]) for stride, each in features.items()} == {
        stride: (width, 64 // stride, 96 // stride) for stride, width in CHANNELS[saved.name].items()
    }
    for stride, each in features.items():
        torch.testing.assert_close(each, seen[stride])


@pytest.mark.parametrize("name", CHANNELS)
def test_all_offered_ones_have_features_of_every_size(name):
    with torch.device("meta"):
        backbone = TorchvisionBackbone(name, random_weights=True)
        assert backbone.channels == CHANNELS[name]
        discriminator = PretrainedDiscriminator(35, backbone)
        assert discriminator(torch.empty(1, 3, 64, 96)).logits.shape == (1, 36, 64, 96)


@pytest.mark.parametrize("num_blocks", [2, 3, 4, 5])
def test_as_many_sizes_as_asked_for(num_blocks):
    with torch.device("meta"):
        discriminator = PretrainedDiscriminator(
            5, TorchvisionBackbone("efficientnet_b0", random_weights=True), 8, num_blocks
        )
        size = discriminator.size_divisor
        assert size == 2**num_blocks
        assert discriminator(torch.empty(1, 3, size, 3 * size)).logits.shape == (1, 6, size, 3 * size)
    assert len(discriminator.backbone.layers) == {2: 3, 3: 4, 4: 6, 5: 9}[num_blocks]  # the rest is left out


@pytest.mark.parametrize("num_blocks", [0, 1, 3, 6])
def test_sizes_that_the_backbone_does_not_have(num_blocks):
    with pytest.raises(ConfigurationError, match=rf"num_blocks={num_blocks}: .*1 / 2, 1 / 4 .*must be one of 2\."):
        built(num_blocks=num_blocks)


def test_sizes_that_do_not_fit():
    with pytest.raises(ConfigurationError, match=r"PretrainedDiscriminator.*10x16.*multiples of 4"):
        built()(torch.zeros(1, 3, 10, 16))


@pytest.mark.parametrize("settings", [{}, {"spectral_norm": False}, {"instance_heads": True, "boundary": True}])
def test_everything_trained_and_the_picture_get_a_gradient_and_nothing_else(settings):
    discriminator = built(**settings)
    image = picture(1, 3, 16, 24).requires_grad_()
    before = image.detach().clone()
    logits, heads = discriminator(image)
    sum(said.square().sum() for said in (logits, *heads.values())).backward()
    assert image.equal(before), "no activation may write into the picture"
    assert (image.grad != 0).flatten(2).any(dim=2).all()
    for name, parameter in discriminator.named_parameters():
        assert (parameter.grad is None) == name.startswith("backbone."), name
        assert parameter.grad is None or parameter.grad.abs().sum() > 0, name


def test_the_picture_gets_a_gradient_through_the_backbone():
    discriminator = built(spectral_norm=False)
    for parameter in discriminator.stem.parameters():  # the other way to the picture
        nn.init.zeros_(parameter)
    image = picture(1, 3, 16, 16).requires_grad_()
    discriminator.eval()(image).logits.square().sum().backward()
    assert image.grad.abs().sum() > 0


def test_a_step_changes_what_is_trained_and_nothing_of_the_backbone():
    discriminator = built().train()
    assert discriminator.training
    assert not any(module.training for module in discriminator.backbone.modules())
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    optimizer = torch.optim.AdamW(discriminator.parameters(), lr=0.1, weight_decay=0.5)
    discriminator(picture(4, 3, 16, 16)).logits.square().sum().backward()
    optimizer.step()
    for name, value in discriminator.state_dict().items():
        assert value.equal(before[name]) == name.startswith("backbone."), name
    assert any("running_mean" in name for name in before)


def test_the_gain_is_that_of_trained_layers():
    """Only of the head, as a spectral norm undoes it elsewhere; and never of the backbone."""
    ours, published = built(init_gain=1.0), built(init_gain=0.02)
    torch.testing.assert_close(ours.head.weight, published.head.weight * 50)
    for name, value in published.backbone.state_dict().items():
        assert value.equal(ours.backbone.state_dict()[name]), name


def test_what_is_trained_does_not_depend_on_the_scale_of_features():
    image = picture(1, 3, 16, 16)
    discriminator = built().eval()
    expected = discriminator(image).logits
    forward = discriminator.backbone.forward
    discriminator.backbone.forward = lambda x: {stride: 100 * each + 7 for stride, each in forward(x).items()}
    torch.testing.assert_close(discriminator(image).logits, expected, rtol=1e-3, atol=1e-3)


def test_heads_are_those_of_the_panoptic_one():
    _, heads = built(instance_heads=True, boundary=True)(picture(1, 3, 16, 16))
    assert {name: said.shape[1] for name, said in heads.items()} == {"center": 1, "offset": 2, "boundary": 1}
    with pytest.raises(ConfigurationError, match=r"boundary=true: .*instance_heads=true"):
        built(boundary=True)


def test_a_state_dict_restores_the_backbone_too():
    source, target = built(0), built(1)
    image = picture(1, 3, 16, 16)
    target.load_state_dict(source.state_dict())
    assert target.eval()(image).logits.equal(source.eval()(image).logits)


# Weights


def test_random_weights_are_announced():
    with torch.device("meta"), pytest.warns(UserWarning, match="random_weights=true: .*for tests only"):
        TorchvisionBackbone("efficientnet_b0", random_weights=True)


def test_random_weights_and_a_file():
    with pytest.raises(ConfigurationError, match=r"random_weights=true with .*weights_file=there\.pth"):
        TorchvisionBackbone("efficientnet_b0", weights_file="there.pth", random_weights=True)


def test_weights_of_another_architecture(saved):
    other = next(name for name in NETWORKS if name != saved.name)
    with pytest.raises(
        ConfigurationError, match=rf"{saved.path}: not the weights of torchvision's {other}: 0\.0\.weight is"
    ):
        TorchvisionBackbone(other, weights_file=str(saved.path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: [1], "holds a list, not a state dict"),
        (lambda state: {"features": dict(state)}, "holds a dict at 'features', not a state dict of tensors"),
        (
            lambda state: {k: v for k, v in state.items() if not k.startswith("features.2.0")},
            r"2\.0\..* is missing there",
        ),
        (
            lambda state: state | {"features.99.weight": torch.zeros(2)},
            r"99\.weight is \(2,\) there, .*should be missing",
        ),
    ],
)
def test_files_of_something_else(tmp_path, change, message):
    path = tmp_path / "other.pth"
    torch.save(change(models.efficientnet_b0().state_dict()), path)
    with pytest.raises(ConfigurationError, match=rf"other\.pth: .*{message}"):
        TorchvisionBackbone("efficientnet_b0", weights_file=str(path))


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no\.pth: no such file of efficientnet_b0 weights\. Fetch https://"):
        TorchvisionBackbone("efficientnet_b0", weights_file=str(tmp_path / "no.pth"))


def test_no_network_and_nothing_in_the_cache(hub):
    expected = (
        rf"efficientnet_b0 .* found in {hub} .*no route.* Fetch https://download\.pytorch\.org/models/efficientnet_b0_"
        r".*put it there or give its path: discriminator\.backbone\.weights_file=PATH"
    )
    with pytest.raises(ConfigurationError, match=expected):
        TorchvisionBackbone("efficientnet_b0")


def test_the_cache_of_torch_hub(saved, hub, monkeypatch):
    weights = models.get_model_weights(saved.name).DEFAULT
    monkeypatch.setattr(
        torch.hub, "HASH_REGEX", torch.hub.re.compile("(?!)")
    )  # the hash in its name is of another file
    (hub / weights.url.rsplit("/", 1)[-1]).symlink_to(saved.path)
    image = picture(1, 3, 32, 32)
    given = TorchvisionBackbone(saved.name, weights_file=str(saved.path))
    assert TorchvisionBackbone(saved.name)(image)[32].equal(given(image)[32])


def test_no_weights_are_looked_for_where_a_checkpoint_has_them(hub):
    with weights_in_checkpoint():
        assert are_weights_in_checkpoint()
        TorchvisionBackbone("efficientnet_b0", weights_file="no.pth")
        TorchvisionBackbone("efficientnet_b0")
    assert not are_weights_in_checkpoint()
    with pytest.raises(ConfigurationError):
        TorchvisionBackbone("efficientnet_b0")


@pytest.mark.parametrize("name", ["nonsense", "vit_b_16", "swin_t", "resnet18"])
def test_networks_of_another_kind(name):
    with pytest.raises(ConfigurationError, match=rf"architecture={name}: no network .*convnext_tiny"):
        TorchvisionBackbone(name, random_weights=True)


def test_an_untrusted_checkpoint_cannot_make_one_read_files():
    assert "oasis.models.PretrainedDiscriminator" in ALLOWED_TARGETS
    assert not any("ackbone" in target for target in ALLOWED_TARGETS)


# timm


def test_timm_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        ConfigurationError, match=r"backbone=timm: .*pip install timm.*discriminator/backbone=convnext_tiny"
    ):
        TimmBackbone("convnext_tiny", random_weights=True)


def test_models_do_not_import_timm():
    found = subprocess.run(
        [sys.executable, "-c", "import sys, oasis.models.timm_backbone; print('timm' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == "False"


def test_features_of_timm():
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    backbone = TimmBackbone("resnet18", random_weights=True)
    assert backbone.channels == {2: 64, 4: 64, 8: 128, 16: 256, 32: 512}
    whole = timm.create_model("resnet18").eval()
    whole.load_state_dict(backbone.network.state_dict(), strict=False)
    image = picture(1, 3, 64, 64)
    given = normalize((image + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(backbone(image)[32], whole.forward_features(given))
    discriminator = PretrainedDiscriminator(5, backbone, 8, 3)
    assert discriminator(image).logits.shape == (1, 6, 64, 64)


@pytest.mark.parametrize("name", ["nonsense", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_networks_of_timm_of_another_kind(name):
    pytest.importorskip("timm")
    with pytest.raises(ConfigurationError, match=rf"architecture={name}: "):
        TimmBackbone(name, random_weights=True)


def test_weights_of_timm_from_a_file(tmp_path):
    timm = pytest.importorskip("timm")
    for name in ("resnet18", "resnet34"):
        torch.save(timm.create_model(name).state_dict(), tmp_path / f"{name}.pth")
    state = torch.load(tmp_path / "resnet18.pth")
    backbone = TimmBackbone("resnet18", weights_file=str(tmp_path / "resnet18.pth"))
    for name, value in backbone.network.state_dict().items():
        assert value.equal(state[name]), name
    with pytest.raises(
        ConfigurationError, match=r"resnet34\.pth: not the weights of timm's resnet18: layer1\.2\.conv1"
    ):
        TimmBackbone("resnet18", weights_file=str(tmp_path / "resnet34.pth"))
