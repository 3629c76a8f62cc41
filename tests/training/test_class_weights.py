"""Class weights from the encoded map, chosen in a configuration: where they are used, and what is refused."""

import re
from functools import partial

import pytest
import torch
from hydra.errors import InstantiationException

from oasis.encodings import Boundary, InstanceIds, Semantic
from oasis.errors import ConfigurationError, message
from oasis.labels import LabelSpace
from oasis.losses import EncodedMapCounts
from oasis.objectives import HingeObjective, OASISObjective
from oasis.training.requirements import require_class_masks

LEAKED = "objective/weights_from=encoded_map"
FIXED = ("generator.noise_dim=0", "objective.label_mix_weight=0")


def terms_of(built, *options):
    """All terms of both networks and of validation, without anything random."""
    module, batch = built(*FIXED, *options)
    module.eval()
    step = module._step(batch, lambda: module.generator(batch.condition))
    with torch.no_grad():
        found = [module.generator_loss(batch), module.discriminator_loss(batch), module.objective.validation_loss(step)]
    return {name: term for terms in found for name, term in terms.items()}


def test_the_terms_of_real_pixels_change_with_instance_numbers(built):
    clean, leaked = (terms_of(built, "encoding=instance_ids", option) for option in ("seed=0", LEAKED))
    changed = {name for name in clean if not clean[name].equal(leaked[name])}
    assert changed == {"adversarial", "real", "generator_adversarial", "discriminator_real"}
    assert clean.keys() - changed == {"fake", "discriminator_fake"}


@pytest.mark.parametrize("encoding", ["semantic", "per_instance_masks"])
def test_nothing_changes_with_one_hot_classes(built, encoding):
    clean, leaked = (terms_of(built, f"encoding={encoding}", option) for option in ("seed=0", LEAKED))
    assert clean.keys() == leaked.keys()
    assert all(clean[name].equal(leaked[name]) for name in clean)


class Shared(Semantic):
    """Each class in its own channel and half of it in the next one."""

    def forward(self, label, instance, generators=None):
        one_hot = super().forward(label, instance)
        return one_hot + 0.5 * one_hot.roll(1, dims=1)


class FromZero(Semantic):
    """The first instance is 0."""

    def forward(self, label, instance, generators=None):
        return super().forward(label, instance) * (instance != 1)[:, None]


class Numbers(Semantic):
    """All channels hold the class."""

    def forward(self, label, instance, generators=None):
        return label[:, None].expand(-1, self.channels, -1, -1).float()


class TooFew(Semantic):
    """One channel for all classes."""

    channels = 1

    def forward(self, label, instance, generators=None):
        return label[:, None].float()


@pytest.mark.parametrize("kind", [Shared, FromZero, Numbers, TooFew])
def test_an_encoding_without_a_mask_per_class_is_refused(ids, kind):
    leaking = OASISObjective(ids, weights_from=EncodedMapCounts())
    expected = rf"weights_from=encoded_map takes the sums of the first 35.*in {kind.__name__}.*weights_from=label"
    with pytest.raises(ConfigurationError, match=expected):
        require_class_masks(leaking, kind(ids))
    for objective in (OASISObjective(ids), HingeObjective(feature_matching_weight=1)):
        require_class_masks(objective, kind(ids))


@pytest.mark.parametrize("space", [LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()])
@pytest.mark.parametrize("kind", [InstanceIds, partial(InstanceIds, normalized=True), Boundary, Semantic])
def test_what_is_taken_counts_the_classes_that_are_there(space, kind):
    encoding, counts = kind(space), EncodedMapCounts()
    require_class_masks(OASISObjective(space, weights_from=counts), encoding)
    present = torch.arange(0, space.num_classes, 2)
    label = present.view(1, 1, -1)
    condition = encoding(label, torch.arange(len(present)).view(1, 1, -1), [torch.Generator()])
    assert counts(label, condition, space.num_classes).nonzero().flatten().equal(present)


def test_it_is_refused_before_training(fit, monkeypatch):
    monkeypatch.setattr("oasis.encodings.Semantic.forward", Numbers.forward)
    with pytest.raises(ConfigurationError, match="in Semantic they are not the masks"):
        fit("run", LEAKED)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("objective.balance_classes=false", LEAKED), "no effect with objective.balance_classes=false"),
        (("discriminator=boundary_classes", LEAKED), "no channels for boundary classes.*discriminator=oasis"),
        (("objective.weights_from=encoded_map",), "chosen with a slash: objective/weights_from=label or objective/"),
    ],
)
def test_what_does_not_go_together_is_refused(built, options, expected):
    with pytest.raises(InstantiationException) as caught:
        built(*options)
    assert isinstance(caught.value.__cause__, ConfigurationError)
    assert re.search(expected, message(caught.value))
