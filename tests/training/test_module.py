import copy

import pytest
import torch
import torch.nn.functional as F
from hydra.errors import HydraException, InstantiationException
from run_files import training_losses

from oasis.errors import ConfigurationError, message
from oasis.losses import InstanceLoss
from oasis.losses.label_mix import label_mix_mask

HEADS = ("discriminator=panoptic", "discriminator.boundary=true")


def test_loss_terms_by_name(built):
    module, batch = built()
    assert set(module.generator_loss(batch)) == {"adversarial"}
    assert set(module.discriminator_loss(batch)) == {"real", "fake", "label_mix"}
    for term in [*module.generator_loss(batch).values(), *module.discriminator_loss(batch).values()]:
        assert term.shape == ()
        assert term.isfinite()


def test_terms_are_those_of_the_paper(built):
    """Against the losses written out by hand, without balancing."""
    module, batch = built("objective.balance_classes=false", "generator.noise_dim=0")
    module.eval()  # so that nothing changes between two passes
    with torch.no_grad():
        fake = module.generator(batch.condition)
        on_fake, on_real = module.discriminator(fake).logits, module.discriminator(batch.image).logits
        terms = {**module.generator_loss(batch), **module.discriminator_loss(batch)}
    assert torch.allclose(terms["adversarial"], F.cross_entropy(on_fake, batch.label + 1))
    assert torch.allclose(terms["real"], F.cross_entropy(on_real, batch.label + 1))
    assert torch.allclose(terms["fake"], F.cross_entropy(on_fake, torch.zeros_like(batch.label)))


def test_label_mix_weight_scales_and_switches_off(built):
    values = {}
    for weight in (1.0, 5.0):
        module, batch = built(f"objective.label_mix_weight={weight}")
        torch.manual_seed(1)
        values[weight] = module.discriminator_loss(batch)["label_mix"]
    assert torch.allclose(values[5.0], 5 * values[1.0])
    module, batch = built("objective.label_mix_weight=0")
    assert "label_mix" not in module.discriminator_loss(batch)


def test_discriminator_loss_leaves_the_generator_alone(built):
    module, batch = built()
    sum(module.discriminator_loss(batch).values()).backward()
    assert all(p.grad is None for p in module.generator.parameters())
    assert all(p.grad is not None for p in module.discriminator.parameters())


def test_one_batch_steps_both_networks_with_their_own_optimizers(fit, read_checkpoint):
    start = read_checkpoint(fit("a", "trainer.max_epochs=1", "model.generator_optimizer.lr=0.0"))
    end = read_checkpoint(fit("b", "trainer.max_epochs=2", "model.generator_optimizer.lr=0.0"))
    for name, before in start["state_dict"].items():
        after = end["state_dict"][name]
        if name.startswith("generator") and name.endswith(("original", "bias", "weight")):
            assert torch.equal(before, after), name  # learning rate 0
    trained = "discriminator.head.weight"
    assert not torch.equal(start["state_dict"][trained], end["state_dict"][trained])


def test_betas_and_rates_of_the_recipe(composed, built, tiny_overrides):
    module, _ = built()
    generator, discriminator = module.configure_optimizers()
    for optimizer, network in ((generator, module.generator), (discriminator, module.discriminator)):
        group = optimizer.param_groups[0]
        assert group["lr"] == 4e-4
        assert tuple(group["betas"]) == (0.0, 0.999)
        assert {id(p) for p in group["params"]} == {id(p) for p in network.parameters()}


@pytest.mark.parametrize(("height", "width", "nearest"), [(40, 64, "height=48|height=32"), (64, 100, "width=96")])
def test_sizes_that_cannot_be_halved(built, height, width, nearest):
    module, _ = built("generator.num_blocks=4", "discriminator.num_blocks=4")
    module.check_size(64, 128)
    with pytest.raises(ConfigurationError, match=rf"data\.height={height} data\.width={width}.*16.*({nearest})"):
        module.check_size(height, width)


@pytest.mark.parametrize("speed", ["oasis/reference", "oasis/fast"])
def test_training_makes_the_losses_move(built, speed):
    """A few steps on one batch: the discriminator gets better at telling real from fake, then the generator does."""
    settings = [f"model.{network}_optimizer.lr=2e-3" for network in ("generator", "discriminator")]
    # With the published gain and such rates the first ten steps are chaotic.
    settings += ["generator.channels=8", "discriminator.channels=16", "generator.init_gain=1"]
    module, batch = built(f"speed={speed}", *settings, "discriminator.init_gain=1")
    generator_optimizer, discriminator_optimizer = module.configure_optimizers()
    first = {k: v.item() for k, v in module.discriminator_loss(batch).items()}
    for _ in range(40):
        discriminator_optimizer.zero_grad()
        sum(module.discriminator_loss(batch).values()).backward()
        discriminator_optimizer.step()
    last = {k: v.item() for k, v in module.discriminator_loss(batch).items()}
    assert last["real"] + last["fake"] < 0.7 * (first["real"] + first["fake"])
    before = module.generator_loss(batch)["adversarial"].item()
    frozen = copy.deepcopy(module.discriminator.state_dict())
    for _ in range(40):
        generator_optimizer.zero_grad()
        module.generator_loss(batch)["adversarial"].backward()
        generator_optimizer.step()
    assert module.generator_loss(batch)["adversarial"].item() < 0.7 * before
    for name, value in module.discriminator.state_dict().items():
        if "parametrizations" not in name:  # the spectral norm's estimates move with every pass
            assert torch.equal(value, frozen[name])


def test_instance_terms_by_name(built):
    module, batch = built("discriminator=panoptic")
    assert set(module.generator_loss(batch)) == {"adversarial", "center", "offset"}
    assert set(module.discriminator_loss(batch)) == {"real", "fake", "center", "offset", "label_mix"}
    module, batch = built(*HEADS, "objective.instance_loss.offset_weight=0", "objective.label_mix_weight=0")
    assert set(module.generator_loss(batch)) == {"adversarial", "center", "boundary"}
    assert set(module.discriminator_loss(batch)) == {"real", "fake", "center", "boundary"}
    module, batch = built(*HEADS, "objective.instance_loss=null")
    assert set(module.generator_loss(batch)) == {"adversarial"}


def test_instance_terms_are_paid_on_photos_by_one_and_on_fakes_by_the_other(built):
    module, batch = built(*HEADS, "generator.noise_dim=0", "objective.instance_loss.offset_weight=3")
    assert (batch.instance > 0).any()
    module.eval()
    loss = InstanceLoss(module.label_space, offset_weight=3)
    with torch.no_grad():
        for terms, image in (
            (module.generator_loss(batch), module.generator(batch.condition)),
            (module.discriminator_loss(batch), batch.image),
        ):
            features = module.discriminator.features(image)
            heads = {name: head(features) for name, head in module.discriminator.heads.items()}
            expected = loss(heads, batch.label, batch.instance)
            assert set(expected) == {"center", "offset", "boundary"}
            for name, value in expected.items():
                torch.testing.assert_close(terms[name], value)


@pytest.mark.parametrize("name", ["center", "offset", "boundary"])
def test_both_networks_learn_from_each_instance_term(built, name):
    module, batch = built(*HEADS, "objective.label_mix_weight=0")
    module.generator_loss(batch)[name].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.generator.parameters())
    assert any(p.grad.abs().sum() > 0 for p in module.generator.parameters())
    module.zero_grad()
    module.discriminator_loss(batch)[name].backward()
    assert module.discriminator.heads[name].weight.grad.abs().sum() > 0
    assert module.discriminator.down[0].conv_1.bias.grad.abs().sum() > 0
    assert all(p.grad is None for p in module.generator.parameters())


def test_heads_leave_the_other_terms_alone(built):
    """What is there without heads is the same with them, bit for bit."""
    plain, batch = built()
    panoptic, _ = built(*HEADS)
    for loss in ("generator_loss", "discriminator_loss"):
        torch.manual_seed(1)
        expected = getattr(plain, loss)(batch)
        torch.manual_seed(1)
        found = getattr(panoptic, loss)(batch)
        for name, term in expected.items():
            assert found[name].equal(term), name


@pytest.mark.parametrize("name", ["center", "offset", "boundary"])
def test_heads_learn(built, name):
    """Some steps on one batch: the centres are found, the offsets point to them, the boundaries are seen."""
    wide = "discriminator.channels=16", "discriminator.init_gain=1", "objective.instance_loss.sigma=0.06"
    module, batch = built(*HEADS, *wide, "model.discriminator_optimizer.lr=2e-3")
    _, optimizer = module.configure_optimizers()
    history = []
    for _ in range(60):
        term = module.objective.instance_terms(module.discriminator(batch.image), batch)[name]
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
        history.append(term.item())
    assert history[-1] < 0.8 * history[0]


def test_training_with_heads_logs_all_terms(fit, read_checkpoint):
    run = fit("heads", *HEADS, "objective/label_mix=segment", "trainer.max_epochs=1")
    rows = training_losses(run)
    names = rows[0].keys() - {"step"}
    own = {"generator": {"adversarial"}, "discriminator": {"real", "fake", "label_mix"}}
    assert names == {
        f"{network}/{name}" for network, terms in own.items() for name in terms | {"center", "offset", "boundary"}
    }
    assert len(rows) == 3
    assert all(row[name] > 0 for row in rows for name in names)
    saved = {name for name in read_checkpoint(run)["state_dict"] if ".heads." in name}
    assert saved == {
        f"discriminator.heads.{name}.{kind}" for name in ("center", "offset", "boundary") for kind in ("weight", "bias")
    }


def test_training_with_heads_resumes(fit, read_checkpoint):
    settings = (*HEADS, "objective/label_mix=segment")
    whole = read_checkpoint(fit("whole", *settings, "trainer.max_steps=8"))  # two optimizer steps a batch
    half = fit("half", *settings, "trainer.max_steps=4")
    resumed = fit("resumed", *settings, "trainer.max_steps=8", f"resume={half / 'checkpoints' / 'last.ckpt'}")
    found = read_checkpoint(resumed)
    assert found["progress"] == whole["progress"] == {"batches_seen": 4, "images_seen": 8}
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, found["state_dict"][name]), name


def test_label_mix_by_segment(built):
    """The two cars of the tiny dataset touch: by class they are both real or both fake, by segment not always."""
    for option, apart in (("class", False), ("segment", True)):
        module, batch = built(f"objective/label_mix={option}")
        torch.manual_seed(0)
        fates = set()
        for _ in range(40):
            mask = module.objective.mix(batch.label, batch.instance, module.label_space.num_classes)[0, 0]
            fates.add(tuple(mask[batch.instance[0] == k].unique().item() for k in (1, 2)))
        assert any(one != other for one, other in fates) == apart
        assert len(fates) == (4 if apart else 2)


def test_label_mix_mixes_as_it_is_told(built, monkeypatch):
    module, batch = built("generator.noise_dim=0")
    module.eval()
    seen = []
    features = module.discriminator.features
    monkeypatch.setattr(module.discriminator, "features", lambda image: (seen.append(image), features(image))[1])
    module.objective.mix = lambda label, instance, num_classes, coins: (instance == 1).unsqueeze(1).float()
    with torch.no_grad():
        module.discriminator_loss(batch)
        fake = module.generator(batch.condition)
    one = (batch.instance == 1).unsqueeze(1)
    torch.testing.assert_close(seen[-1][-len(batch) :], torch.where(one, batch.image, fake))  # the last of three


def test_the_published_mix_is_the_default(built):
    module, batch = built()
    torch.manual_seed(0)
    mask = module.objective.mix(batch.label, batch.instance, 35)
    torch.manual_seed(0)
    assert mask.equal(label_mix_mask(batch.label, 35))


def test_a_mix_that_is_none(built):
    with pytest.raises(HydraException, match=r"(?s)Could not find 'objective/label_mix/segmant'.*class.*segment"):
        built("objective/label_mix=segmant")
    with pytest.raises(InstantiationException) as caught:
        built("objective.label_mix=segment")
    assert "objective/label_mix=segment" in message(caught.value)
    assert isinstance(caught.value.__cause__, ConfigurationError)


@pytest.mark.parametrize("option", ["discriminator=panoptic", "objective/label_mix=segment"])
def test_a_dataset_without_instances_is_refused(fit, tiny, option):
    missing = next((tiny.root / "gtFine" / "train").glob("*/*_instanceIds.png"))
    missing.unlink()
    with pytest.raises(ConfigurationError, match=r"(?s)1 of 7 samples.*no instance map.*discriminator=oasis"):
        fit("run", option)
    fit("without", "trainer.max_steps=2")  # the published losses do without


def test_the_two_attempts_differ_in_what_was_repaired(composed):
    """The same data and budget, so that what differs is what is asked about."""
    failed, repaired = (
        composed(f"experiment={name}_attempt", "data.root=somewhere", "paths.output_dir=unused")
        for name in ("failed", "repaired")
    )
    assert failed.data == repaired.data
    assert failed.trainer == repaired.trainer
    assert failed.label_space == repaired.label_space
    assert failed.data.batch_size == repaired.data.batch_size == 2
    for cfg in (failed, repaired):
        assert cfg.label_space._target_.endswith("cityscapes_train_ids")
        assert cfg.model.generator_optimizer.lr == cfg.model.discriminator_optimizer.lr == 4e-4
    assert failed.encoding._target_.endswith(".InstanceIds")
    assert not failed.encoding.normalized
    assert failed.objective.weights_from._target_.endswith(".EncodedMapCounts")
    assert repaired.objective.weights_from._target_.endswith(".LabelCounts")
    assert (failed.generator.noise_dim, failed.objective.label_mix_weight, failed.callbacks.ema) == (0, 0, None)
    assert failed.discriminator._target_.endswith(".OASISDiscriminator")
    assert repaired.encoding._target_.endswith(".PerInstanceMasks")
    assert (repaired.generator.noise_dim, repaired.objective.label_mix_weight) == (64, 5)
    assert repaired.callbacks.ema.decay == 0.999
    assert repaired.discriminator._target_.endswith(".PanopticDiscriminator")
    assert repaired.objective.label_mix._target_.endswith(".MixSegments")
