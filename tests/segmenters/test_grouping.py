"""Centres and offsets to instances, against a slow loop and against instances that are known."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.errors import ConfigurationError
from oasis.instances import center_heatmap, center_offsets
from oasis.segmenters import grouping
from oasis.segmenters.grouping import Grouping

THINGS = torch.tensor([False, True, True, False, True])


def exact(instance):
    """Heatmap and offsets as a perfect network would give them."""
    height = instance.shape[-2]
    return center_heatmap(instance, height / 32), center_offsets(instance) / height


def partition(instance):
    """The instances of a picture as sets of pixels, whatever their numbers."""
    return {frozenset(map(tuple, (instance == k).nonzero().tolist())) for k in instance.unique().tolist() if k > 0}


def slow(label, center, offset, rule, votes=None):
    """The grouping of one picture, pixel by pixel."""
    height, width = label.shape
    radius = max(1, round(rule.window * height / 2))
    peaks = []
    for y in range(height):
        for x in range(width):
            around = [
                (float(center[0, v, u]), -v * width - u)  # of equals, the first
                for v in range(max(0, y - radius), min(height, y + radius + 1))
                for u in range(max(0, x - radius), min(width, x + radius + 1))
            ]
            if center[0, y, x] > rule.threshold and max(around) == (float(center[0, y, x]), -y * width - x):
                peaks.append((-float(center[0, y, x]), y, x))
    peaks = sorted(peaks)[: rule.most]
    members = {k: [] for k in range(len(peaks))}
    for y in range(height):
        for x in range(width):
            if not THINGS[label[y, x]]:
                continue
            v, u = y + float(offset[0, y, x]) * height, x + float(offset[1, y, x]) * height
            distances = [math.hypot(v - py, u - px) for _, py, px in peaks]
            if distances:
                members[distances.index(min(distances))].append((y, x))
    label, instance = label.clone(), torch.zeros_like(label)
    number = 0
    for pixels in members.values():
        if len(pixels) < max(1, rule.min_area):
            continue
        number += 1
        if votes is None:
            found = Counter(int(label[y, x]) for y, x in pixels)
        else:
            found = {c: sum(float(votes[c, y, x]) for y, x in pixels) for c in range(5) if THINGS[c]}
        winner = min(found, key=lambda c: (-found[c], c))
        for y, x in pixels:
            label[y, x], instance[y, x] = winner, number
    return label, instance


@given(st.integers(0, 2**31), st.sampled_from([Grouping(), Grouping(0.4, 0.3, 5, 3), Grouping(0, 0.2, 1)]))
@settings(deadline=None, max_examples=25)
def test_against_a_slow_loop(seed, rule):
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 5, (2, 12, 17), generator=generator)
    center = torch.rand(2, 1, 12, 17, generator=generator)
    center[1] = (center[1] * 4).round() / 4  # plateaus
    offset = torch.randn(2, 2, 12, 17, generator=generator) / 6
    labels, instances, _ = rule(label, center, offset, THINGS)
    for b in range(2):
        expected = slow(label[b], center[b], offset[b], rule)
        assert torch.equal(labels[b], expected[0])
        assert torch.equal(instances[b], expected[1])
        alone = rule(label[b : b + 1], center[b : b + 1], offset[b : b + 1], THINGS)
        assert torch.equal(alone[0][0], labels[b])
        assert torch.equal(alone[1][0], instances[b])


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_votes_decide_the_class_against_a_slow_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    votes = torch.randint(0, 8, (1, 5, 12, 17), generator=generator).float()  # whole: exact sums, some of them equal
    label = votes.argmax(dim=1)
    center, offset = torch.rand(1, 1, 12, 17, generator=generator), torch.randn(1, 2, 12, 17, generator=generator) / 6
    rule = Grouping(0.4, 0.3, 5, 3)
    labels, instances, _ = rule(label, center, offset, THINGS, votes)
    expected = slow(label[0], center[0], offset[0], rule, votes[0])
    assert torch.equal(labels[0], expected[0])
    assert torch.equal(instances[0], expected[1])


def test_a_sure_few_outvote_an_unsure_many():
    instance = torch.zeros(1, 32, 32, dtype=torch.int64)
    instance[0, 8:16, 8:18] = 1
    votes = torch.zeros(1, 5, 32, 32)
    votes[:, 0] = (instance == 0).float()
    votes[0, 1, 8:16, 8:14], votes[0, 2, 8:16, 8:14] = 0.51, 0.49  # six columns say 1, but hardly
    votes[0, 2, 8:16, 14:18] = 1.0  # four say 2, for sure
    label = votes.argmax(dim=1)
    assert Grouping()(label, *exact(instance), THINGS)[0][0, 8:16, 8:18].unique().tolist() == [1]
    assert Grouping()(label, *exact(instance), THINGS, votes)[0][0, 8:16, 8:18].unique().tolist() == [2]


@st.composite
def streets_of_boxes(draw):
    """Rows of boxes that touch, of things of any class, some with a thing behind them."""
    label, instance = torch.zeros(1, 64, 128, dtype=torch.int64), torch.zeros(1, 64, 128, dtype=torch.int64)
    number = 0
    for top in (4, 24, 44):
        column = draw(st.integers(0, 20))
        height = draw(st.integers(6, 18))
        while column < 100:
            width = draw(st.integers(6, 24))
            number += 1
            label[0, top : top + height, column : column + width] = draw(st.sampled_from([1, 2, 4]))
            instance[0, top : top + height, column : column + width] = number
            column += width + draw(st.sampled_from([0, 0, 0, 5]))
    return label, instance


@given(streets_of_boxes())
@settings(deadline=None, max_examples=25)
def test_what_a_perfect_network_sees_is_the_truth(maps):
    label, instance = maps
    labels, instances, _ = Grouping()(label, *exact(instance), THINGS)
    assert torch.equal(labels, label)
    assert partition(instances[0]) == partition(instance[0])
    assert instances.unique().tolist() == list(range(len(partition(instance[0])) + 1))


def test_one_class_for_one_instance():
    # A car with some pixels of class lorry, beside a wall, which does not vote.
    label = torch.full((1, 16, 16), 3)
    instance = torch.zeros_like(label)
    label[0, 4:12, 2:12], instance[0, 4:12, 2:12] = 1, 1
    label[0, 4:6, 2:12] = 2
    labels, instances, _ = Grouping()(label, *exact(instance), THINGS)
    assert torch.equal(labels == 1, instance == 1)
    assert torch.equal(labels == 3, instance == 0)
    assert torch.equal(instances, instance)


@pytest.mark.parametrize(("min_area", "found"), [(4, True), (5, False)])
def test_tiny_instances_keep_their_class_but_are_none(min_area, found):
    label, instance = torch.zeros(1, 32, 32, dtype=torch.int64), torch.zeros(1, 32, 32, dtype=torch.int64)
    label[0, 8:10, 8:10], instance[0, 8:10, 8:10] = 1, 1
    labels, instances, _ = Grouping(min_area=min_area)(label, *exact(instance), THINGS)
    assert torch.equal(labels, label)
    assert torch.equal(instances, instance if found else torch.zeros_like(instance))


def test_every_thing_pixel_joins_some_centre():
    """Pixels left without one would be void, and void is not forgiven by the official panoptic quality."""
    label, instance = torch.ones(1, 32, 64, dtype=torch.int64), torch.zeros(1, 32, 64, dtype=torch.int64)
    instance[0, 8:20, 8:20], instance[0, 8:20, 50:62] = 1, 2
    label[0, 30:] = 0  # no thing
    center, offset = exact(instance)  # the pixels between point at themselves
    _, instances, _ = Grouping()(label, center, offset, THINGS)
    left = instances[0, 10, 10]
    assert (instances[0, :30, :30] == left).all()
    assert (instances[0, :30, 40:] == 3 - left).all()
    assert (instances[0, 30:] == 0).all()


def test_a_flat_heatmap_has_no_centres_and_a_plateau_has_one():
    label = torch.ones(1, 8, 8, dtype=torch.int64)
    offset = torch.zeros(1, 2, 8, 8)
    assert Grouping()(label, torch.zeros(1, 1, 8, 8), offset, THINGS)[1].max() == 0
    plateau = torch.zeros(1, 1, 8, 8)
    plateau[..., 3:5, 3:5] = 1.0
    assert Grouping()(label, plateau, offset, THINGS)[1].unique().tolist() == [1]


def test_only_the_most_certain_centres_are_kept():
    label, instance = torch.ones(1, 16, 64, dtype=torch.int64), torch.arange(4).repeat_interleave(16).view(1, 1, 64) + 1
    instance = instance.expand(1, 16, 64)
    center, offset = exact(instance)
    center[..., 16:32] *= 0.5
    _, instances, _ = Grouping(most=3)(label, center, offset, THINGS)
    assert instances.unique().tolist() == [1, 2, 3]
    neighbours = {int(instances[0, 0, 8]), int(instances[0, 0, 40])}
    assert set(instances[..., 16:32].unique().tolist()) <= neighbours  # pixels that lost their centre join one of them


def test_memory_is_bounded_and_the_bound_changes_nothing(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    maps = (
        torch.randint(0, 5, (1, 20, 30), generator=generator),
        torch.rand(1, 1, 20, 30, generator=generator),
        torch.randn(1, 2, 20, 30, generator=generator) / 6,
        THINGS,
    )
    whole = Grouping()(*maps)
    monkeypatch.setattr(grouping, "_AT_ONCE", 40)
    for ours, theirs in zip(Grouping()(*maps), whole, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": 0.0}, "window=0.0: must be above 0"),
        ({"window": float("nan")}, "window=nan: must be above 0"),
        ({"most": 0}, r"most=0: a picture may have 1\.\.1023 instances"),
        ({"most": 5000}, "most=5000"),
    ],
)
def test_settings_that_find_nothing(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        Grouping(**wrong)


def test_the_heights_of_centres_that_have_an_instance_are_told():
    label, instance = torch.zeros(2, 32, 64, dtype=torch.int64), torch.zeros(2, 32, 64, dtype=torch.int64)
    for number, left in enumerate((4, 24, 44), 1):
        label[0, 8:20, left : left + 12], instance[0, 8:20, left : left + 12] = 1, number
    center, offset = exact(instance)
    center[0, 0, :, 0:20] *= 0.6
    center[0, 0, :, 40:] *= 0.8
    _, instances, heights = Grouping()(label, center, offset, THINGS)
    assert instances[0, 10, [10, 30, 50]].tolist() == [3, 1, 2]
    assert heights.shape == (2, 3)
    torch.testing.assert_close(heights, torch.tensor([[1.0, 0.8, 0.6], [0, 0, 0]]), rtol=0.02, atol=0)
