"""The terms that see single instances, wired into training: discriminators, weights, gradients, resuming."""

import dataclasses
import re

import pytest
import torch
import torch.nn.functional as F
from run_files import training_losses

from oasis.errors import ConfigurationError, message
from oasis.labels import LabelSpace
from oasis.losses import (
    BoundaryClasses,
    InstancesOf,
    NPlusOneLoss,
    instance_contrast_loss,
    instance_fake_loss,
    instance_real_loss,
)
from oasis.models import InstanceDiscriminator
from oasis.objectives.individuals import IndividualTerms

DISCRIMINATORS = ("instance_adversarial", "instance_contrast", "boundary_classes")
ALL = (
    "discriminator=instance_adversarial",
    "discriminator.embedding_channels=8",
    "discriminator.boundary_classes=true",
)
PUBLISHED = ({"adversarial"}, {"real", "fake", "label_mix"})
FURTHER = {
    "instance_adversarial": ({"instance_adversarial"}, {"instance_real", "instance_fake"}),
    "instance_contrast": ({"instance_contrast"}, {"instance_contrast"}),
    "boundary_classes": (set(), set()),
}


def terms_of(module, batch):
    return module.generator_loss(batch), module.discriminator_loss(batch)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_one_choice_switches_a_term_on(built, name, joint):
    module, batch = built(f"discriminator={name}", f"objective.joint_pass={joint}")
    for terms, published, further in zip(terms_of(module, batch), PUBLISHED, FURTHER[name], strict=True):
        assert set(terms) == published | further
        for term in terms.values():
            assert term.dtype == torch.float32
            assert term.isfinite()
            assert term.requires_grad
    assert module.objective.needs_instances(module.discriminator)


def test_all_together_and_without_label_mix(built):
    module, batch = built(*ALL, "objective.label_mix_weight=0")
    generator, discriminator = terms_of(module, batch)
    assert set(generator) == {"adversarial", "instance_adversarial", "instance_contrast"}
    assert set(discriminator) == {"real", "fake", "instance_real", "instance_fake", "instance_contrast"}


def test_weights_scale_and_switch_off(built):
    # Without further passes, whose power iterations would move the weights.
    values = []
    for weight in (0.5, 2.0):
        module, batch = built(*ALL[:2], f"objective.instance_adversarial_weight={weight}", "generator.noise_dim=0")
        values.append(module.generator_loss(batch)["instance_adversarial"])
    torch.testing.assert_close(values[1], 4 * values[0])
    off = [f"objective.{name}_weight=0" for name in ("instance_adversarial", "instance_contrast")]
    module, batch = built(*ALL[:2], *off)
    assert tuple(map(set, terms_of(module, batch))) == PUBLISHED
    assert not module.objective.needs_instances(module.discriminator)


def test_terms_are_paid_on_photos_by_one_and_on_fakes_by_the_other(built):
    module, batch = built(*ALL, "generator.noise_dim=0", "objective.instance_contrast_temperature=0.3")
    module.eval()  # so that nothing changes between two passes
    table = InstancesOf(module.label_space)(batch.label, batch.instance)
    assert table.has_neighbour[table.present].any()
    with torch.no_grad():
        fake = module.generator(batch.condition)
        on_fake, on_photo = module.discriminator(fake), module.discriminator(batch.image)
        generator, discriminator = terms_of(module, batch)
    score, embedding = "instance_score", "instance_embedding"
    expected = {
        "instance_adversarial": 0.5 * instance_real_loss(on_fake.heads[score], table),
        "instance_contrast": 0.2
        * instance_contrast_loss(on_fake.heads[embedding], table.number, on_photo.heads[embedding], table, 0.3),
    }
    for name, value in expected.items():
        torch.testing.assert_close(generator[name], value)
    torch.testing.assert_close(discriminator["instance_real"], 0.5 * instance_real_loss(on_photo.heads[score], table))
    torch.testing.assert_close(discriminator["instance_fake"], 0.5 * instance_fake_loss(on_fake.heads[score], table))
    classes = BoundaryClasses(module.label_space)
    loss = NPlusOneLoss(classes.num_classes, module.label_space.ignore_index)
    label = classes(batch.label, batch.instance)
    assert (label >= module.label_space.num_classes).any()  # the two cars touch
    torch.testing.assert_close(generator["adversarial"], loss.real(on_fake.logits, label))
    torch.testing.assert_close(discriminator["real"], loss.real(on_photo.logits, label))
    everything_fake = torch.zeros_like(label)
    torch.testing.assert_close(discriminator["fake"], F.cross_entropy(on_fake.logits, everything_fake))


@pytest.mark.parametrize("name", ["instance_adversarial", "instance_contrast"])
def test_both_networks_learn_from_each_term(built, name):
    module, batch = built(*ALL)
    module.discriminator.requires_grad_(False)
    module.generator_loss(batch)[name].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.generator.parameters())
    assert any(p.grad.abs().sum() > 0 for p in module.generator.parameters())
    module.zero_grad()
    module.discriminator.requires_grad_(True)
    terms = module.discriminator_loss(batch)
    sum(term for key, term in terms.items() if key.startswith("instance")).backward()
    for head in module.discriminator.heads.values():
        assert head.weight.grad.abs().sum() > 0
    assert module.discriminator.down[0].conv_1.bias.grad.abs().sum() > 0
    assert all(p.grad is None for p in module.generator.parameters())


def test_a_head_learns_to_tell_real_from_fake_instances(built):
    """Fakes whose instances have the photo's colours mixed up, all else alike."""
    module, batch = built(ALL[0], "discriminator.channels=16", "discriminator.init_gain=1")
    table = InstancesOf(module.label_space)(batch.label, batch.instance)
    fake = torch.where((table.number > 0)[:, None], batch.image.flip(1), batch.image)
    optimizer = torch.optim.Adam(module.discriminator.parameters(), 3e-3)
    history = []
    for _ in range(40):
        heads = [module.discriminator(image).heads["instance_score"] for image in (batch.image, fake)]
        loss = instance_real_loss(heads[0], table) + instance_fake_loss(heads[1], table)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.5 * history[0]


def test_other_terms_are_left_alone(built):
    """What is there without heads is the same with them, bit for bit."""
    plain, batch = built()
    heads, _ = built(ALL[0])
    for loss in ("generator_loss", "discriminator_loss"):
        torch.manual_seed(1)
        expected = getattr(plain, loss)(batch)
        torch.manual_seed(1)
        found = getattr(heads, loss)(batch)
        for name, term in expected.items():
            assert found[name].equal(term), name


@pytest.mark.parametrize("options", [["discriminator=instance_contrast"], ALL], ids=str)
def test_trains_and_resumes_to_the_bit(fit, read_checkpoint, options):
    whole = fit("whole", *options, "trainer.max_steps=8")
    half = fit("half", *options, "trainer.max_steps=4")
    resumed = fit("resumed", *options, "trainer.max_steps=8", f"resume={half / 'checkpoints' / 'last.ckpt'}")
    assert training_losses(whole)[2:] == training_losses(resumed)
    expected, found = read_checkpoint(whole), read_checkpoint(resumed)
    for name, value in expected["state_dict"].items():
        assert torch.equal(value, found["state_dict"][name]), name


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_without_any_instance_the_terms_are_0_and_learn_nothing(built, name):
    module, batch = built(f"discriminator={name}")
    batch.instance.zero_()
    for terms in terms_of(module, batch):
        for key, term in terms.items():
            assert term.requires_grad
            assert term.item() == 0 or not key.startswith("instance")
        sum(terms.values()).backward()
    assert all(p.grad.isfinite().all() for p in module.discriminator.parameters())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ["objective.instance_adversarial_weight=1"],
            r"instance_adversarial_weight=1: OASISDiscriminator has no head 'instance_score'.*"
            r"discriminator=instance_adversarial",
        ),
        (
            ["discriminator=panoptic", "objective.instance_contrast_weight=0.5"],
            r"instance_contrast_weight=0.5: PanopticDiscriminator has no head.*discriminator=instance_contrast",
        ),
        (["objective.instance_contrast_weight=-1"], r"objective.instance_contrast_weight=-1: must be 0 \(off\)"),
        (["objective.instance_contrast_temperature=0"], r"objective.instance_contrast_temperature=0: must be above 0"),
        (["discriminator=instance_adversarial", "discriminator.score_channels=3"], r"score_channels=3: must be even"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(built, options, text):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Hydra's, around ours
        built(*options)
    found = caught.value if isinstance(caught.value, ConfigurationError) else caught.value.__cause__
    assert isinstance(found, ConfigurationError)
    assert re.search(text, message(caught.value))


def test_heads_for_instances_need_things():
    ids = LabelSpace.cityscapes_ids()
    discriminator = InstanceDiscriminator(ids.num_classes, 0, channels=4, score_channels=2)
    IndividualTerms(ids).require_heads(discriminator)
    stuff = dataclasses.replace(ids, things=frozenset())
    IndividualTerms(stuff, adversarial_weight=0).require_heads(discriminator)
    with pytest.raises(ConfigurationError, match=r"InstanceDiscriminator has heads.*no class.*discriminator=oasis"):
        IndividualTerms(stuff).require_heads(discriminator)


def test_a_discriminator_of_another_number_of_classes_is_refused(built):
    module, batch = built()
    module.discriminator.head = torch.nn.Conv2d(module.discriminator.feature_channels, 40, 1)
    with pytest.raises(ConfigurationError, match=r"40 outputs.*35 classes, 36, or.*46"):
        module.generator_loss(batch)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_dataset_without_instances_is_refused(fit, tiny, name):
    next((tiny.root / "gtFine" / "train").glob("*/*_instanceIds.png")).unlink()
    with pytest.raises(ConfigurationError, match=rf"(?s)1 of 7 samples.*{name}.*discriminator=oasis"):
        fit("run", f"discriminator={name}")
