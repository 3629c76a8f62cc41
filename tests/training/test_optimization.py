"""Schedules, clipping and accumulation in the manual loop, against plain loops."""

import copy
from functools import partial

import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import Generator
from oasis.models.building import build_network
from oasis.training import Constant, GANModule, LinearDecay
from oasis.training.optimizers import clip_norm

SGD = [f"model.{network}_optimizer._target_=torch.optim.SGD" for network in ("generator", "discriminator")]
SGD += [f"~model.{network}_optimizer.betas" for network in ("generator", "discriminator")]
SGD += [f"model.{network}_optimizer.lr=0.5" for network in ("generator", "discriminator")]
# Each image draws by its place in the stream, so a batch of 4 is two of 2, but for BatchNorm and the classes' weights.
ADDS_UP = ["generator.norm=instance", "objective.balance_classes=false", "discriminator.spectral_norm=false"]
ADDS_UP += ["generator.spectral_norm=false", "callbacks.ema=null"]


def networks(checkpoint):
    names = ("generator.", "discriminator.")
    return {name: value for name, value in checkpoint["state_dict"].items() if name.startswith(names)}


def test_a_linear_decay_is_that_of_pix2pixhd():
    """Against its loop: after each epoch above the first n, the rate falls by one n-th."""
    rate, rates = 1.0, []
    for epoch in range(1, 11):
        rates.append(rate)
        if epoch > 6:
            rate -= 1 / 4
    # There the decay starts an epoch late, so that the rate never reaches 0; the last one is 1/n here, too.
    schedule = LinearDecay(4)
    assert [schedule(epoch, 10) for epoch in range(10)] == pytest.approx(rates)
    assert [Constant()(epoch, 10) for epoch in range(3)] == [1, 1, 1]


def test_schedules_that_cannot_be():
    with pytest.raises(ConfigurationError, match=r"model\.schedule\.epochs=0"):
        LinearDecay(0)
    with pytest.raises(ConfigurationError, match=r"trainer\.max_epochs"):
        LinearDecay(2)(0, -1)
    with pytest.raises(ConfigurationError, match=r"schedule\.epochs=4: .*trainer\.max_epochs=3.*schedule\.epochs=1"):
        LinearDecay(4)(0, 3)
    with pytest.raises(ConfigurationError, match=r"model\.schedule\.epochs=None: at least 1"):
        LinearDecay(None)
    assert LinearDecay(3)(0, 3) == 1


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (("schedule.epochs=4", "trainer.max_epochs=2"), r"longer than the run"),
        (("trainer.max_epochs=-1", "trainer.max_steps=4"), r"set trainer\.max_epochs"),
    ],
)
def test_a_schedule_that_does_not_fit_the_run_is_refused_before_anything_is_scored(fit, monkeypatch, settings, match):
    monkeypatch.setattr("oasis.training.Metrics.on_train_start", lambda *_: pytest.fail("scored first"))
    with pytest.raises(ConfigurationError, match=match):
        fit("run", "schedule=linear_decay", *settings)


@pytest.fixture
def rates_seen(monkeypatch):
    """Epoch and learning rates of each training batch."""
    seen = []
    original = GANModule.training_step

    def noted(self, batch, batch_idx):
        seen.append((self.current_epoch, *(o.param_groups[0]["lr"] for o in self.trainer.optimizers)))
        return original(self, batch, batch_idx)

    monkeypatch.setattr(GANModule, "training_step", noted)
    return seen


def test_an_epoch_that_is_resumed_within_keeps_its_rates(fit, read_checkpoint, rates_seen):
    settings = ["schedule=linear_decay", "schedule.epochs=2", "trainer.max_epochs=2"]
    complete = read_checkpoint(fit("complete", *settings))["state_dict"]
    half = fit("half", *settings, "trainer.max_steps=8")  # the first of three batches of the second epoch
    rates_seen.clear()
    resumed = fit("on", *settings, f"resume={half / 'checkpoints' / 'last.ckpt'}")
    assert rates_seen == [(1, 2e-4, 2e-4)] * 2
    for name, value in read_checkpoint(resumed)["state_dict"].items():
        assert value.equal(complete[name]), name


def test_rates_fall_in_training_and_go_on_after_a_resumption(fit, read_checkpoint, rates_seen):
    settings = ["schedule=linear_decay", "schedule.epochs=2", "model.generator_optimizer.lr=0.2"]
    complete = read_checkpoint(fit("complete", *settings, "trainer.max_epochs=3"))
    assert {epoch: (g, d) for epoch, g, d in rates_seen} == {0: (0.2, 4e-4), 1: (0.2, 4e-4), 2: (0.1, 2e-4)}
    # Stopped within the second epoch of three.
    half = fit("half", *settings, "trainer.max_epochs=3", "trainer.max_steps=8")
    resumed = fit("on", *settings, "trainer.max_epochs=3", f"resume={half / 'checkpoints' / 'last.ckpt'}")
    for name, value in read_checkpoint(resumed)["state_dict"].items():
        assert value.equal(complete["state_dict"][name]), name


def test_a_clipped_step_is_that_of_a_plain_loop(built):
    module, batch = built("generator.noise_dim=0", *SGD)
    module.eval()
    plain = copy.deepcopy(module.generator)
    terms = module.generator_loss(batch)
    gradients = torch.autograd.grad(sum(terms.values()), list(module.generator.parameters()))
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    limit = float(norm) / 3
    with torch.no_grad():
        for weight, gradient in zip(plain.parameters(), gradients, strict=True):
            weight -= 0.5 * gradient / 3
    optimizer, _ = module.configure_optimizers()
    sum(module.generator_loss(batch).values()).backward()
    clip_norm(optimizer, limit)
    optimizer.step()
    for ours, theirs in zip(module.generator.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_clipping_reaches_training(fit, read_checkpoint):
    """A norm that no gradient has leaves the weights bit-identical, a tiny one hardly moves them."""
    plain, loose, tight = (
        networks(read_checkpoint(fit(name, *SGD, "trainer.max_epochs=1", setting)))
        for name, setting in (
            ("plain", "model.clip_norm=null"),
            ("loose", "model.clip_norm=1e9"),
            ("tight", "model.clip_norm=1e-9"),
        )
    )
    start = networks(read_checkpoint(fit("start", *SGD, "trainer.max_epochs=1", "model.generator_optimizer.lr=0",
                                         "model.discriminator_optimizer.lr=0")))  # fmt: skip
    learnt = [name for name in plain if name.endswith(("bias", "original"))]
    assert all(plain[name].equal(loose[name]) for name in learnt)
    assert any(not plain[name].equal(start[name]) for name in learnt)
    assert all((tight[name] - start[name]).abs().max() < 1e-8 for name in learnt)


@pytest.mark.parametrize(("window", "batches"), [(2, 2), (4, 3)], ids=["full", "last of an epoch"])
def test_accumulated_batches_are_one_of_their_total_size(fit, read_checkpoint, window, batches):
    """But for rounding: gradients of the mean are the mean of gradients."""
    whole = ("trainer.max_epochs=1", f"data.batch_size={2 * batches}")
    one = networks(read_checkpoint(fit("one", *SGD, *ADDS_UP, *whole)))
    parts = ("trainer.max_epochs=1", "data.batch_size=2", f"trainer.limit_train_batches={batches}")
    several = networks(read_checkpoint(fit("several", *SGD, *ADDS_UP, *parts, f"model.accumulate_batches={window}")))
    for name, value in one.items():
        torch.testing.assert_close(value, several[name], rtol=1e-4, atol=1e-5, msg=name)


def test_accumulated_gradients_survive_a_resumption(fit, read_checkpoint):
    settings = ("model.accumulate_batches=2", "trainer.max_epochs=2", "callbacks.checkpoints.every_batches=1")
    settings += ("callbacks.checkpoints.keep_every_batches=1",)
    complete = fit("complete", *settings)
    cut = complete / "checkpoints" / "batch_00000004.ckpt"
    assert torch.load(cut, weights_only=True)["gradients"], "the first of two batches"
    resumed = read_checkpoint(fit("on", *settings, f"resume={cut}"))
    for name, value in read_checkpoint(complete)["state_dict"].items():
        assert value.equal(resumed["state_dict"][name]), name


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("model.clip_norm=0", r"model\.clip_norm=0"),
        ("model.accumulate_batches=0", r"model\.accumulate_batches=0"),
        ("+trainer.gradient_clip_val=1.5", r"trainer\.gradient_clip_val.*use model\.clip_norm"),
        ("+trainer.accumulate_grad_batches=2", r"trainer\.accumulate_grad_batches.*use model\.accumulate_batches"),
    ],
)
def test_settings_that_cannot_be(fit, setting, match):
    with pytest.raises(Exception, match=match):
        fit("run", setting)


@pytest.mark.parametrize(
    ("returned", "match"),
    [
        ({}, r"OASISObjective\.generator_loss returned no loss terms"),
        (None, r"OASISObjective\.generator_loss returned no loss terms"),
        ({"hinge": 1.0}, r"'hinge' is a float"),
        ({"hinge": torch.ones(2, requires_grad=True)}, r"'hinge' is of shape \(2,\)"),
        ({"hinge": torch.tensor(1.0)}, r"'hinge' has no gradient"),
    ],
)
def test_terms_from_which_nothing_can_be_learnt(fit, monkeypatch, returned, match):
    monkeypatch.setattr("oasis.objectives.OASISObjective.generator_loss", lambda self, step: returned)
    with pytest.raises(ConfigurationError, match=match):
        fit("run", "trainer.max_epochs=1")


def test_a_network_that_is_none():
    with pytest.raises(ConfigurationError, match=r"generator\._target_ makes a Linear.*oasis\.models\.Generator"):
        build_network(partial(torch.nn.Linear, 1, 1), Generator, {"condition_channels": 3, "num_classes": 2})


def test_a_network_is_given_what_it_names():
    class Named(Generator):
        def __init__(self, num_classes, width=2):
            super().__init__()
            self.made = (num_classes, width)

    class Open(Generator):
        def __init__(self, **settings):
            super().__init__()
            self.made = settings

    offered = {"condition_channels": 3, "num_classes": 2}
    assert build_network(Named, Generator, offered).made == (2, 2)
    assert build_network(partial(Named, width=4), Generator, offered).made == (2, 4)
    assert build_network(Open, Generator, offered).made == offered
    with pytest.raises(ConfigurationError, match=r"(?s)Named has no setting 'wings'.*width"):
        build_network(partial(Named, wings=4), Generator, offered)


def test_a_network_without_blocks_to_recompute(built, monkeypatch):
    monkeypatch.delattr("oasis.models.spade_decoder.SPADEDecoder.blocks_to_recompute")
    with pytest.raises(Exception, match=r"OASISGenerator names no blocks to recompute.*model=oasis"):
        built("model.recompute=true")


def test_sizes_of_another_generator(fit):
    with pytest.raises(
        ConfigurationError,
        match=r"INADEGenerator has no setting 'spade_channels'.*model=inade_small has those of generator=inade",
    ):
        fit("run", "model=oasis_small", "generator=inade")


def test_presets_of_another_model(fit):
    from oasis.training import require_own_presets

    require_own_presets({"model": "oasis_small", "recipe": "oasis/ade20k", "speed": None})
    with pytest.raises(ConfigurationError, match=r"recipe=oasis/ade20k is a preset of model=oasis.*model=spade"):
        require_own_presets({"model": "spade", "recipe": "oasis/ade20k"})
    with pytest.raises(Exception, match=r"generator: OASISGenerator has no setting 'wings'"):
        fit("run", "+generator.wings=2")
    with pytest.raises(ConfigurationError, match=r"OASISObjective has no setting 'wings'.*objective=oasis"):
        fit("run", "+objective.wings=2")
