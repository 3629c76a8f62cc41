"""The assignment of slots; `test_references.py` tests the pixels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.encodings import Concat, PerInstanceMasks
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace


def row(*lengths):
    """A row of cars of the given lengths, numbered from 1, and a pixel of road."""
    instance = torch.tensor([number for number, length in enumerate(lengths, 1) for _ in range(length)] + [0])
    return torch.where(instance > 0, 26, 7).view(1, 1, -1), instance.view(1, 1, -1)


def slots(encoding, *lengths):
    """The slot of each car of a row."""
    label, instance = row(*lengths)
    masks = encoding(label, instance)[0, 35:, 0]
    assert masks[:, -1].sum() == 0  # the road
    return [int(masks[:, (instance[0, 0] == k).int().argmax()].argmax()) for k in range(1, len(lengths) + 1)]


@pytest.mark.parametrize("count", [0, -1])
def test_no_slot(ids, count):
    with pytest.raises(ConfigurationError, match=rf"encoding\.slots={count}: .*at least 1 slot"):
        PerInstanceMasks(ids, slots=count)


def test_by_area_when_not_training(ids):
    assert slots(PerInstanceMasks(ids, slots=5).eval(), 2, 5, 1, 2) == [1, 0, 3, 2]


def test_the_smallest_share_the_last_slot(ids):
    encoding = PerInstanceMasks(ids, slots=3)
    assert slots(encoding.eval(), 2, 5, 1, 4, 1) == [2, 0, 2, 1, 2]
    for _ in range(20):
        drawn = slots(encoding.train(), 2, 5, 1, 4, 1)
        assert [drawn[0], drawn[2], drawn[4]] == [2, 2, 2]
        assert {drawn[1], drawn[3]} == {0, 1}


@pytest.mark.parametrize(
    ("lengths", "sharing"), [((3, 2), 0), ((3, 2, 1), 0), ((3, 2, 1, 1), 2), ((1,) * 9, 7), ((), 0)]
)
def test_what_shares_is_counted(ids, lengths, sharing):
    encoding = PerInstanceMasks(ids, slots=3)
    assert encoding.measurements() == {}
    maps = row(*lengths)
    encoding(*(torch.cat([each, each]) for each in maps))
    assert encoding.overflow.tolist() == [sharing, sharing]
    assert encoding.measurements()["overflow"] == 2 * sharing
    within = Concat(ids, [encoding])
    within(*maps)
    assert within.measurements()["overflow"] == sharing


def test_every_slot_is_as_likely(ids):
    label, instance = row(2, 1)
    draws = 4000
    torch.manual_seed(0)
    masks = PerInstanceMasks(ids, slots=4)(label.expand(draws, -1, -1), instance.expand(draws, -1, -1))[:, 35:, 0]
    for pixel in (0, 2):
        assert (masks[..., pixel].mean(0) - 0.25).abs().max() < 5 * (0.25 * 0.75 / draws) ** 0.5
    assert (masks[..., 0] * masks[..., 2]).sum() == 0


@given(lengths=st.lists(st.integers(1, 4), max_size=6), order=st.permutations(range(1, 7)), training=st.booleans())
@settings(deadline=None)
def test_renumbering_only_permutes_the_masks(lengths, order, training):
    encoding = PerInstanceMasks(LabelSpace.cityscapes_ids(), slots=6).train(training)
    label, instance = row(*lengths)
    renumbered = torch.tensor([0, *order])[instance]
    before, after = (encoding(label, numbers)[0, 35:, 0].tolist() for numbers in (instance, renumbered))
    assert sorted(before) == sorted(after)
