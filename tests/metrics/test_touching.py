"""The recall on touching instances, against slow loops over pixels and instances."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from road_car_bus import BUS, CAR, ROAD, SPACE, VOID

from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import match_all


def touching(predicted, target):
    """Recall and count of one image; predicted and target are (label, instance), each (H, W)."""
    classes = ScoredClasses(SPACE)
    metric = PanopticScores(classes)
    matchings = match_all(classes, *(torch.from_numpy(maps)[None] for maps in (*predicted, *target)))
    metric.update(torch.zeros(1).long(), matchings)
    scores = metric.compute()
    return float(scores["touching_recall"]), float(scores["touching_count"])


def slow_touching(predicted, target):
    """The definition, word by word."""
    (label, instance), (height, width) = target, target[0].shape
    touch = set()
    for y in range(height):
        for x in range(width):
            for y2, x2 in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                inside = 0 <= y2 < height and 0 <= x2 < width
                if inside and label[y, x] == label[y2, x2] in (CAR, BUS) and 0 < instance[y, x] != instance[y2, x2] > 0:
                    touch.add((label[y, x], instance[y, x]))
    found = 0
    for kind, number in touch:
        mask = (label == kind) & (instance == number)
        candidates = {int(k) for k in predicted[1][predicted[0] == kind]} - {0}
        for k in candidates:
            other = (predicted[0] == kind) & (predicted[1] == k) & (label != VOID)
            found += (mask & other).sum() / (mask | other).sum() > 0.5
    return found / len(touch) if touch else np.nan, len(touch)


def street(text):
    """(label, instance) of digits: 0 road, 1..4 cars, 5..7 buses, 8 a group of cars, 9 void."""
    digits = np.array([[int(character) for character in row] for row in text])
    label = np.select([digits == 0, digits == 9, (digits > 4) & (digits < 8)], [ROAD, VOID, BUS], CAR)
    return label, np.where((digits == 8) | (digits == 9), 0, digits)


TARGET = street(["0000000", "1122003", "1122003"])


@pytest.mark.parametrize(
    ("predicted", "recall"),
    [
        (["0000000", "1111002", "1111002"], 0),  # merged
        (["0000000", "1122003", "1122000"], 1),  # told apart
        (["0000000", "2211000", "2211000"], 1),  # numbers mean nothing
        (["0000000", "1112003", "1112003"], 1 / 2),  # 4 of 6 pixels, and 2 of 4
        (["0000000", "1155003", "1155003"], 1 / 2),  # a car taken for a bus
        (["0000000", "0000003", "0000003"], 0),
        (["0000000", "1188003", "1188003"], 1 / 2),  # predicted cars without an instance are void
    ],
)
def test_recall_by_hand(predicted, recall):
    assert touching(street(predicted), TARGET) == (recall, 2)


def test_a_merged_segment_finds_the_instance_that_is_more_than_half_of_it():
    assert touching(street(["1111"]), street(["1112"])) == (1 / 2, 2)


@pytest.mark.parametrize(
    ("target", "count"),
    [
        (["1020", "1020"], 0),  # apart
        (["1100", "0022"], 0),  # only corners meet
        (["1100", "0122"], 2),
        (["1155", "1155"], 0),  # a car and a bus
        (["1188", "1188"], 0),  # a group has no instances
        (["1192", "1192"], 0),  # void between
        (["1234", "5600"], 6),
        (["1221", "0000"], 2),  # each once, however often they meet
    ],
)
def test_who_touches(target, count):
    recall, found = touching(street(target), street(target))
    assert found == count
    assert recall == 1 if count else np.isnan(recall)


STREETS = arrays(np.int64, (5, 7), elements=st.sampled_from([0, 1, 1, 1, 2, 2, 2, 3, 5, 6, 8, 9]))


@given(STREETS, STREETS, arrays(np.bool_, (5, 7), elements=st.booleans()), st.booleans())
@settings(max_examples=150, deadline=None)
def test_equals_the_definition(target, other, edited, rarely):
    edited[::2] &= not rarely
    target, other = target.repeat(2, axis=1), other.repeat(2, axis=1)
    predicted = np.where(edited.repeat(2, axis=1), other, target)
    maps = street(predicted), street(target)
    assert touching(*maps) == pytest.approx(slow_touching(*maps), nan_ok=True)
