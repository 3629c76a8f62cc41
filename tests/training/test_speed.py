"""The fast paths compute what the plain ones do."""

import copy
import re
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra.errors import InstantiationException
from omegaconf import OmegaConf
from run_files import training_losses

from oasis.errors import ConfigurationError, message
from oasis.models.spectral_norm import iterate_norms
from oasis.training import GeneratorEMA, fused_adam
from oasis.training.compilation import Compiled
from oasis.training.optimizers import fit_state

SPEED = Path(__file__).parents[2] / "conf" / "speed"
SPADE = ["model=spade", "generator.init_gain=1"]
WIDE = ["generator.init_gain=1", "discriminator.init_gain=1"]  # so that nothing is lost in what is tiny
SPEEDS = ("oasis/reference", "oasis/fast")
SINGLE = [
    "discriminator=instance_adversarial",
    "discriminator.embedding_channels=8",
    "discriminator.boundary_classes=true",
]
PANOPTIC = ["discriminator=panoptic", "discriminator.boundary=true", "objective/label_mix=segment"]


def step(module, batch, which, seed=3):
    """Losses, gradients of that network, and all buffers afterwards."""
    torch.manual_seed(seed)
    network = getattr(module, which)
    module.double()  # so that rounding does not change the sign of activations
    condition = batch.condition.double().contiguous(memory_format=module.memory_format)
    batch = replace(batch, image=batch.image.double(), condition=condition)
    terms = getattr(module, f"{which}_loss")(batch)
    gradients = torch.autograd.grad(sum(terms.values()), list(network.parameters()))
    buffers = {name: value.clone() for name, value in module.named_buffers()}
    return terms, dict(zip(dict(network.named_parameters()), gradients, strict=True)), buffers


def assert_same(found, expected, exactly=False):
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            difference = (ours[name].double() - value.double()).abs().max()
            assert difference <= (0 if exactly else 1e-5 * value.double().abs().max() + 1e-9), name


@pytest.mark.parametrize("which", ["generator", "discriminator"])
@pytest.mark.parametrize("heads", [[], PANOPTIC, SINGLE], ids=["oasis", "panoptic", "single instances"])
@pytest.mark.parametrize(
    "options",
    [
        ["objective.joint_pass=true"],
        ["model.channels_last=true"],
        ["discriminator.merge_resampling=true"],
        ["speed=oasis/fast"],
    ],
    ids=lambda options: options[0],
)
def test_losses_and_gradients_are_those_of_the_reference(built, which, heads, options):
    """Where the spectral norms stand still, as in eval mode, but with BatchNorm as it trains."""
    results = []
    for chosen in ([], options):
        module, batch = built("speed=oasis/reference", *WIDE, *heads, *chosen)
        module.train()
        module.discriminator.eval()
        results.append(step(module, batch, which))
    assert_same(results[1], results[0])


@pytest.mark.parametrize("which", ["generator", "discriminator"])
@pytest.mark.parametrize("encoding", ["boundary", "panoptic"])
def test_losses_and_gradients_of_spade_are_those_of_the_reference(built, which, encoding):
    results = []
    for speed in ("reference", "fast"):
        module, batch = built(*SPADE, f"speed=spade/{speed}", f"encoding={encoding}")
        module.train()
        results.append(step(module, batch, which))
    assert_same(results[1], results[0])


@pytest.mark.parametrize("encoding", ["semantic", "panoptic"])
def test_five_steps_of_training_give_the_same_losses(fit, encoding):
    """Both networks, optimizers and spectral norms moving; `panoptic` differs from pixel to pixel."""
    settings = [f"encoding={encoding}", *WIDE, "objective.joint_pass=false", "trainer.max_steps=10"]
    runs = [fit(speed, f"speed={speed}", *settings) for speed in SPEEDS]
    reference, fast = (training_losses(run) for run in runs)
    assert len(reference) == 5
    for ours, theirs in zip(fast, reference, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)


def test_one_pass_makes_the_power_iterations_of_three(built):
    buffers, losses = [], []
    for joint in (False, True):
        module, batch = built("speed=oasis/reference", *WIDE, f"objective.joint_pass={joint}")
        module.train()
        for _ in range(3):
            losses.append({k: v.item() for k, v in module.discriminator_loss(batch).items()})
        buffers.append(dict(module.discriminator.named_buffers()))
    for name, value in buffers[0].items():
        assert buffers[1][name].equal(value), name  # to the bit
    assert all("_u" in name or "_v" in name for name in buffers[0])
    assert losses[0] != losses[3]  # since the first pass of three was judged by an earlier estimate


def test_where_the_estimates_have_settled_one_pass_is_three_in_training_too(built):
    terms = []
    for joint in (False, True):
        module, batch = built("speed=oasis/reference", *WIDE, f"objective.joint_pass={joint}")
        module.train()
        for _ in range(300):
            iterate_norms(module.discriminator)
        torch.manual_seed(1)
        terms.append({name: term.item() for name, term in module.discriminator_loss(batch).items()})
    assert terms[1] == pytest.approx(terms[0], rel=1e-4)


@pytest.mark.parametrize("which", ["generator", "discriminator"])
@pytest.mark.parametrize("speed", ["oasis/reference", "oasis/fast"])
def test_recomputing_changes_nothing_at_all(built, which, speed):
    """To the bit, in training mode, with three passes before one gradient: statistics and norms included."""
    results, modules = [], []
    for recompute in (False, True):
        module, batch = built(f"speed={speed}", *WIDE, *PANOPTIC, f"model.recompute={recompute}")
        module.train()
        results.append(step(module, batch, which))
        modules.append(module)
    assert_same(results[1], results[0], exactly=True)
    assert modules[0].state_dict().keys() == modules[1].state_dict().keys()


def test_recomputing_keeps_less(built):
    kept = {}
    for recompute in (False, True):
        module, batch = built("speed=oasis/reference", f"model.recompute={recompute}")
        sizes = []

        def pack(tensor, sizes=sizes):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            module.generator_loss(batch)
        kept[recompute] = sum(sizes)
    assert kept[True] < kept[False] / 2


def test_a_copy_of_a_recomputing_network_uses_its_own_weights(built):
    module, batch = built("speed=oasis/reference", "model.recompute=true", "generator.noise_dim=0")
    expected = module.generator.eval()(batch.condition).detach()
    twin = copy.deepcopy(module.generator)
    with torch.no_grad():
        for parameter in module.generator.parameters():
            parameter.zero_()
    torch.testing.assert_close(twin(batch.condition), expected)


@pytest.fixture
def quick_compiler(monkeypatch):
    """All of torch.compile but the generation of code, which takes minutes."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    torch.compiler.reset()


@pytest.mark.usefixtures("quick_compiler")
@pytest.mark.parametrize("which", ["generator", "discriminator"])
@pytest.mark.parametrize(
    "settings",
    [["speed=oasis/fast", *WIDE, "objective.joint_pass=true"], SPADE, ["model=pix2pixhd"]],
    ids=["oasis", "spade", "pix2pixhd"],
)
def test_compiled_networks_compute_the_same(built, which, settings):
    results = []
    for compiled in (False, True):
        module, batch = built(*settings, f"model.compile={compiled}")
        module.train()
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*cannot compile")  # it must not fall back
            results.append(step(module, batch, which))
    assert_same(results[1], results[0])


@pytest.mark.usefixtures("quick_compiler")
def test_compiled_runs_have_the_names_and_the_average_of_plain_ones(fit, read_checkpoint):
    once = ["objective.joint_pass=true", "trainer.max_epochs=1", "trainer.limit_train_batches=1",
            "trainer.limit_val_batches=0", "callbacks.image_logger=null"]  # fmt: skip
    saved = [read_checkpoint(fit(f"compiled_{c}", f"model.compile={c}", *once)) for c in (False, True)]
    for key in ("state_dict", "generator_ema"):
        plain, compiled = saved[0][key], saved[1][key]
        assert plain.keys() == compiled.keys()
    resumed = fit("on", *once, "trainer.max_epochs=2", "model.compile=false", "resume=last")
    assert read_checkpoint(resumed)["progress"]["batches_seen"] == 2


def test_what_cannot_be_compiled_runs_as_it_is_after_one_warning(monkeypatch):
    attempts = []

    def broken(function, dynamic):
        def call(*inputs):
            attempts.append(inputs)
            raise RuntimeError("no C++ compiler\nsecond line")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    double = Compiled(lambda x: 2 * x, "generator")
    with pytest.warns(UserWarning, match=r"cannot compile the generator here \(no C\+\+ compiler\).*model\.compile"):
        assert double(torch.tensor(2)) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert double(torch.tensor(3)) == 6
    assert len(attempts) == 1


def test_the_function_s_own_error_is_not_mistaken_for_the_compiler_s(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: function)

    def refuse(x):
        raise ConfigurationError("pictures do not fit")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConfigurationError, match="do not fit"):
            Compiled(refuse, "generator")(1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["model.compile=true", "objective.joint_pass=false"], r"objective\.joint_pass=true"),
        (
            ["model.compile=true", "objective.joint_pass=true", "model.recompute=true"],
            r"model\.recompute=true.*one of the two",
        ),
    ],
)
def test_combinations_that_do_not_work_are_refused(built, options, words):
    with pytest.raises(InstantiationException) as caught:
        built(*options)
    assert isinstance(caught.value.__cause__, ConfigurationError)
    assert re.search(words, message(caught.value))


def test_fused_adam_is_adam():
    weights = []
    for make in (torch.optim.Adam, fused_adam):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        optimizer = make(layer.parameters(), lr=0.01, betas=[0.0, 0.999])
        for _ in range(5):
            layer(torch.randn(2, 3, 8, 8)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        weights.append(layer.weight.detach())
    assert optimizer.param_groups[0]["fused"]
    torch.testing.assert_close(weights[1], weights[0])


def test_fused_adam_does_without_where_the_device_has_none():
    optimizer = fused_adam(iter([torch.nn.Parameter(torch.zeros(3, device="meta"))]), lr=0.1)
    assert not optimizer.param_groups[0]["fused"]


def test_a_fused_optimizer_takes_up_the_state_of_another_layout():
    """Torch's fused kernel walks through memory: with moments laid out otherwise than weights it mixes them up."""
    torch.manual_seed(0)
    gradients = torch.randn(4, 5, 6, 3, 3)

    def train(steps, optimizer, weight):
        for gradient in steps:
            weight.grad = torch.empty_like(weight).copy_(gradient)
            optimizer.step()

    start = torch.randn(5, 6, 3, 3)
    whole = torch.nn.Parameter(start.clone())
    plain = torch.optim.Adam([whole], lr=0.1)
    train(gradients[:2], plain, whole)
    last = torch.nn.Parameter(whole.detach().clone(memory_format=torch.channels_last))
    resumed = torch.optim.Adam([last], lr=0.1, fused=True)
    resumed.load_state_dict(copy.deepcopy(plain.state_dict()))
    resumed.param_groups[0]["fused"] = True
    fit_state(resumed)
    train(gradients[2:], plain, whole)
    train(gradients[2:], resumed, last)
    torch.testing.assert_close(last, whole, check_stride=False)


@pytest.mark.parametrize(("first", "then"), [("oasis/reference", "oasis/fast"), ("oasis/fast", "oasis/reference")])
def test_a_run_goes_on_at_another_speed(fit, read_checkpoint, first, then):
    whole = fit("whole", f"speed={first}", *WIDE, "trainer.max_steps=8")
    half = fit("half", f"speed={first}", *WIDE, "trainer.max_steps=4")
    resumed = fit("on", f"speed={then}", *WIDE, "trainer.max_steps=8", f"resume={half / 'checkpoints' / 'last.ckpt'}")
    assert read_checkpoint(resumed)["progress"] == {"batches_seen": 4, "images_seen": 8}
    expected, found = (training_losses(run)[-1] for run in (whole, resumed))
    assert found == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("model", ["oasis", "spade"])
def test_both_speeds_say_all_that_the_other_one_says(model):
    """Otherwise settings of one would stay when the other is chosen, and the benchmark would miss an ingredient."""
    plain, fast = (OmegaConf.load(SPEED / model / f"{name}.yaml") for name in ("reference", "fast"))

    def keys(tree, path=""):
        if not OmegaConf.is_dict(tree):
            return {path}
        return {leaf for key in tree for leaf in keys(tree[key], f"{path}.{key}")}

    assert keys(plain) == keys(fast)


def test_average_against_torch_s_own(built):
    """The callback's shortcut against `AveragedModel.update_parameters` at every batch."""
    module, _ = built("speed=oasis/reference")
    callback, theirs = GeneratorEMA(decay=0.6), GeneratorEMA(decay=0.6)
    for each in (callback, theirs):
        each.setup(None, module, "fit")
    for _ in range(4):
        with torch.no_grad():
            for value in module.generator.state_dict().values():
                value.add_(1 if not value.is_floating_point() else torch.randn_like(value))
        module.accumulation.stepping = True
        callback.on_train_batch_end(None, module, None, None, 0)
        theirs._average.update_parameters(module.generator)
    assert callback._average.n_averaged == 4
    for name, value in theirs._average.state_dict().items():
        assert callback._average.state_dict()[name].equal(value), name
