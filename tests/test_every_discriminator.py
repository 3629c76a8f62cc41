"""Every discriminator for OASIS's objective through the commands; conf/discriminator/*.yaml says which there are."""

from pathlib import Path

import pytest
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from PIL import Image
from torchvision.models import efficientnet_b0
from typer.testing import CliRunner

from oasis.checkpoint import restore
from oasis.cli import app
from oasis.errors import ConfigurationError
from oasis.models import Discriminator, SegmentingDiscriminator
from oasis.models.building import build_network
from oasis.training.recomputation import recompute_blocks

pytestmark = pytest.mark.filterwarnings("ignore:discriminator.backbone.random_weights")
CONF = Path(__file__).parents[1] / "conf" / "discriminator"
OF_OTHER_OBJECTIVES = {"spade", "pix2pixhd"}
NAMES = sorted({path.stem for path in CONF.glob("*.yaml")} - OF_OTHER_OBJECTIVES)
BACKBONES = sorted({path.stem for path in (CONF / "backbone").glob("*.yaml")} - {"timm"})
RANDOM = ("discriminator/backbone=efficientnet_b0", "discriminator.backbone.random_weights=true")  # no download
FEATURES = {"pretrained": RANDOM}
ONCE = "trainer.max_steps=4"  # two optimizer steps a batch


def chosen(name):
    return [f"discriminator={name}", *FEATURES.get(name, ())]


def last(run):
    return run / "checkpoints" / "last.ckpt"


def state(path):
    return torch.load(path, weights_only=True)["state_dict"]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def network(composed):
    """The discriminator that a command line makes, without memory."""

    def build(*overrides):
        cfg = composed(*overrides, "paths.output_dir=unused")
        with torch.device("meta"):
            return build_network(instantiate(cfg.discriminator), Discriminator, {"num_classes": 35, "num_things": 10})

    return build


def test_resumes_to_the_bit(fit, name):
    whole = fit("whole", *chosen(name), "trainer.max_steps=8")
    half = fit("half", *chosen(name), ONCE)
    resumed = fit("resumed", *chosen(name), "trainer.max_steps=8", f"resume={last(half)}")
    expected, found, before = state(last(whole)), state(last(resumed)), state(last(half))
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        assert value.equal(found[key]), key
    frozen = [key for key in expected if ".backbone." in key]
    assert bool(frozen) == (name == "pretrained")
    assert all(expected[key].equal(before[key]) for key in frozen)
    learnt = [key for key in expected if key.startswith("discriminator.head.")]
    assert not any(expected[key].equal(before[key]) for key in learnt)


def test_prints_its_layers_and_generates(fit, name, tiny, tmp_path, capsys):
    run = fit("run", *chosen(name), ONCE, "summary=true")
    assert "Discriminator" in capsys.readouterr().out
    street = tiny.instance("val", "town_000100_000019")
    done = CliRunner().invoke(app, ["generate", str(run), str(street), "--output", str(tmp_path / "pictures")])
    assert done.exit_code == 0, done.output
    (picture,) = [path for path in (tmp_path / "pictures").rglob("*.png") if "sheet" not in path.name]
    assert Image.open(picture).size == (64, 32)
    assert restore(last(run)).batches_seen == 2


def test_one_pass_for_each_kind_of_picture(fit, name):
    run = fit("run", *chosen(name), "objective.joint_pass=false", ONCE)
    assert all(value.isfinite().all() for value in state(last(run)).values())


@pytest.fixture
def small(composed, name):
    """A discriminator as the tests train it, and a picture for it."""
    sizes = ["discriminator.channels=8", "discriminator.num_blocks=2", "discriminator.init_gain=1"]
    cfg = composed(*chosen(name), *sizes, "paths.output_dir=unused")
    torch.manual_seed(0)
    offered = {"num_classes": 5, "num_things": 2}
    network = build_network(instantiate(cfg.discriminator), Discriminator, offered)
    return network.eval(), torch.rand(2, 3, 32, 32).mul(2).sub(1)


def test_recomputes_the_same(small):
    network, image = small
    results = []
    for prepare in (lambda _: None, recompute_blocks):
        prepare(network.blocks_to_recompute())
        network.zero_grad()
        shown = image.clone().requires_grad_()
        network(shown).logits.square().sum().backward()
        results.append([shown.grad, *(weight.grad for weight in network.parameters() if weight.grad is not None)])
    assert len(results[0]) == len(results[1]) > 10
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", ["transformer", "pretrained"])  # tests/training/test_speed.py compiles the others
def test_compiles_as_one_graph(small):
    network, image = small
    torch.compiler.reset()  # all modules count towards one limit of recompilations
    compiled = torch.compile(network.__call__, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(image).logits, network(image).logits)


@pytest.mark.parametrize("model", ["oasis", "oasis_small", "oasis_tiny"])
def test_takes_the_sizes_of_a_model(network, composed, name, model):
    """As many trained parameters as the model's own, about: no setting of its is in vain, none is unknown."""

    def trained(*overrides):
        return sum(weight.numel() for weight in network(*overrides).parameters() if weight.requires_grad)

    own, found = trained(f"model={model}"), trained(f"model={model}", *chosen(name))
    assert own / 6 < found < own * 3
    ours, theirs = (composed(f"model={model}", *each).discriminator for each in ((), chosen(name)))
    for setting in ("channels", "init_gain", *["num_blocks"] * (model != "oasis")):
        assert ours[setting] == theirs[setting]


@pytest.mark.parametrize("experiment", ["study", "demo"])
def test_takes_the_sizes_of_an_experiment(composed, network, experiment, name):
    cfg = composed(f"experiment={experiment}", *chosen(name))
    made = network(f"experiment={experiment}", *chosen(name))
    assert isinstance(made, SegmentingDiscriminator)
    assert cfg.data.height % made.size_divisor == cfg.data.width % made.size_divisor == 0
    outputs = 36 + getattr(made, "num_boundary_classes", 0)
    assert made(torch.empty(1, 3, cfg.data.height, cfg.data.width, device="meta")).logits.shape[1] == outputs


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_is_a_choice(network, backbone):
    made = network("discriminator=pretrained", f"discriminator/backbone={backbone}", RANDOM[1])
    assert made.backbone.channels[32] in (768, 1280)


def test_weights_of_a_backbone_are_needed_only_once(fit, tmp_path):
    """A checkpoint has them, and another path of the file is no other run."""
    torch.save(efficientnet_b0().state_dict(), tmp_path / "weights.pth")
    settings = ["discriminator=pretrained", RANDOM[0]]
    half = fit("half", *settings, f"discriminator.backbone.weights_file={tmp_path / 'weights.pth'}", ONCE)
    (tmp_path / "weights.pth").unlink()
    resumed = fit(
        "resumed", *settings, "discriminator.backbone.weights_file=elsewhere.pth", "trainer.max_steps=8",
        f"resume={last(half)}",
    )  # fmt: skip
    before, after = state(last(half)), state(last(resumed))
    assert all(value.equal(after[key]) for key, value in before.items() if ".backbone." in key)
    with pytest.raises((ConfigurationError, InstantiationException), match=r"elsewhere\.pth: no such file"):
        fit("anew", *settings, "discriminator.backbone.weights_file=elsewhere.pth", ONCE)


@pytest.mark.parametrize("name", ["transformer", "pretrained"])
def test_goes_with_its_objective_only(fit, name):
    with pytest.raises((ConfigurationError, InstantiationException), match="Objective does not go with"):
        fit("run", "model=spade", *chosen(name), "encoding=semantic")


def test_an_unknown_setting_is_explained(fit):
    with pytest.raises((ConfigurationError, InstantiationException), match="no setting 'merge_resampling'"):
        fit("run", "discriminator=transformer", "+discriminator.merge_resampling=true")
