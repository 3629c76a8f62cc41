"""Joining encodings."""

import pytest
import torch

from oasis.encodings import (
    Boundary,
    CenterOffset,
    Concat,
    InstanceIds,
    InstanceNoise,
    OrderSensitivity,
    PerInstanceMasks,
    Position,
    Semantic,
)
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace


def test_classes_once_then_the_parts_in_their_order(ids, random_maps):
    parts = [Position(ids), Boundary(ids), CenterOffset(ids, sigma=2)]
    maps = random_maps()
    joined = Concat(ids, parts)
    assert joined.channels == 35 + 2 + 1 + 3
    expected = torch.cat([Semantic(ids)(*maps), *(part(*maps)[:, 35:] for part in parts)], dim=1)
    assert torch.equal(joined(*maps), expected)


def test_a_nested_concat_is_its_parts(ids, random_maps):
    nested = Concat(ids, [Concat(ids, [Boundary(ids)]), Position(ids)])
    assert torch.equal(nested(*random_maps()), Concat(ids, [Boundary(ids), Position(ids)])(*random_maps()))
    with pytest.raises(ConfigurationError, match="Boundary is listed twice"):
        Concat(ids, [Concat(ids, [Boundary(ids)]), Boundary(ids)])


def test_it_promises_no_more_than_its_parts(ids):
    assert Concat(ids, [Boundary(ids), Position(ids)]).order_sensitivity is OrderSensitivity.SAME
    assert Concat(ids, [InstanceNoise(ids), Position(ids)]).order_sensitivity is OrderSensitivity.SAME_DISTRIBUTION


def test_parts_know_whether_they_train(ids):
    masks = PerInstanceMasks(ids)
    joined = Concat(ids, [masks])
    joined.eval()
    assert not masks.training


@pytest.mark.parametrize("parts", [["Semantic"], ["Semantic", "Semantic"], ["Boundary", "Semantic"]])
def test_semantic_is_in_front_already(ids, parts):
    kinds = {"Semantic": Semantic, "Boundary": Boundary}
    with pytest.raises(ConfigurationError, match=r"Semantic cannot be joined.*by itself.*remove Semantic"):
        Concat(ids, [kinds[part](ids) for part in parts])


def test_classes_that_are_not_plain_cannot_be_joined(ids):
    with pytest.raises(ConfigurationError, match="InstanceIds cannot be joined"):
        Concat(ids, [Boundary(ids), InstanceIds(ids)])


def test_a_part_twice(ids):
    with pytest.raises(ConfigurationError, match="CenterOffset is listed twice; remove one"):
        Concat(ids, [CenterOffset(ids, sigma=2), Boundary(ids), CenterOffset(ids, sigma=4)])


def test_no_part(ids):
    with pytest.raises(ConfigurationError, match=r"encoding\.parts is empty"):
        Concat(ids, [])


def test_parts_of_another_label_space(ids):
    with pytest.raises(ConfigurationError, match=r"Boundary has another label space \(20 classes\).*\(35 classes\)"):
        Concat(ids, [Boundary(LabelSpace.cityscapes_train_ids())])
