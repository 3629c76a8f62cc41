"""The recall of instances by what they look like, against a loop over instances."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from road_car_bus import BUS, CAR, ROAD, SPACE

from oasis.metrics.found_instances import FoundInstances
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import match_all

CLASSES = ScoredClasses(SPACE)


def drawn(*things, height=32, width=40):
    """Label and instance of rectangles (class, number, top, left, height, width); later ones cover earlier ones."""
    label, instance = torch.full((height, width), ROAD), torch.zeros(height, width, dtype=torch.int64)
    for kind, number, top, left, rows, columns in things:
        label[top : top + rows, left : left + columns] = kind
        instance[top : top + rows, left : left + columns] = number
    return label, instance


def scores(*pairs, index=None):
    metric = FoundInstances(CLASSES)
    for i, (predicted, target) in zip(index or range(len(pairs)), pairs, strict=True):
        metric.update(torch.tensor([i]), match_all(CLASSES, *(one[None] for one in (*predicted, *target))))
    return {name: float(value) for name, value in metric.compute().items()}


def known(found):
    return {name: value for name, value in found.items() if not math.isnan(value)}


# A bus of 16 x 20 behind a car of 8 x 8, beside which another car stands; a car of 3 x 5 alone, and a group.
TARGET = drawn(
    (BUS, 1, 0, 0, 16, 20), (CAR, 2, 8, 4, 8, 8), (CAR, 3, 8, 12, 8, 8), (CAR, 4, 20, 30, 3, 5), (CAR, 0, 24, 0, 8, 8)
)


def test_numbers_by_hand():
    seen = drawn((BUS, 1, 0, 0, 16, 20), (CAR, 2, 8, 4, 8, 9), (CAR, 4, 20, 30, 3, 5))
    assert known(scores((seen, TARGET))) == {
        "recall_by_area/below 16 pixels": 1,
        "count_by_area/below 16 pixels": 1,
        "recall_by_area/64 to 255 pixels": 2 / 3,
        "count_by_area/64 to 255 pixels": 3,
        "touching_recall_by_area/64 to 255 pixels": 1 / 2,
        "touching_count_by_area/64 to 255 pixels": 2,
        "recall_by_fill/half to three quarters": 1,  # 192 of the bus's 320 pixels
        "count_by_fill/half to three quarters": 1,
        "recall_by_fill/from three quarters": 2 / 3,
        "count_by_fill/from three quarters": 3,
        "touching_recall_by_fill/from three quarters": 1 / 2,
        "touching_count_by_fill/from three quarters": 2,
        "recall_by_contact/touching": 1 / 2,
        "count_by_contact/touching": 2,
        "recall_by_contact/apart": 1,
        "count_by_contact/apart": 2,
    }


@pytest.mark.parametrize(
    ("rows", "columns", "name"),
    [(3, 5, "below 16 pixels"), (4, 4, "16 to 63 pixels"), (7, 9, "16 to 63 pixels"), (8, 8, "64 to 255 pixels")],
)
def test_bins_of_areas_begin_with_their_first_number(rows, columns, name):
    street = drawn((CAR, 1, 0, 0, rows, columns))
    assert known(scores((street, street)))[f"count_by_area/{name}"] == 1


THINGS = st.lists(
    st.tuples(
        st.sampled_from([CAR, BUS]), st.integers(0, 28), st.integers(0, 36), st.integers(1, 20), st.integers(1, 20)
    ),
    max_size=6,
)


def slow(predicted, target):
    """Instances found, and instances, by area and fill."""
    (label, instance), (seen_label, seen_instance) = (
        tuple(one.numpy() for one in maps) for maps in (target, predicted)
    )
    hits, total = Counter(), Counter()
    for number in sorted(set(instance.flatten()) - {0}):
        pixels = instance == number
        area = pixels.sum()
        rows, columns = np.nonzero(pixels)
        fill = area / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
        kind = label[pixels][0]
        others = [(seen_label == kind) & (seen_instance == k) for k in set(seen_instance[seen_label == kind]) - {0}]
        found = any((pixels & other).sum() / (pixels | other).sum() > 0.5 for other in others)
        bins = "below 16 pixels" if area < 16 else "16 to 63 pixels" if area < 64 else "64 to 255 pixels"
        bins = "256 to 1023 pixels" if area >= 256 else bins
        fills = ("below a quarter", "a quarter to half", "half to three quarters", "from three quarters")[
            min(3, int(fill * 4))
        ]
        for key in (f"area/{bins}", f"fill/{fills}"):
            total[key] += 1
            hits[key] += found
    return {f"recall_by_{key}": hits[key] / count for key, count in total.items()} | {
        f"count_by_{key}": count for key, count in total.items()
    }


@given(THINGS, THINGS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_equals_a_loop(things, others, same):
    target = drawn(*((kind, n, *place) for n, (kind, *place) in enumerate(things, 1)))
    seen = things[: len(things) // 2 + 1] + others[:2] if same else others
    predicted = drawn(*((kind, n, *place) for n, (kind, *place) in enumerate(seen, 1)))
    ours = {
        name: value
        for name, value in known(scores((predicted, target))).items()
        if "touching" not in name and "contact" not in name
    }
    assert ours == pytest.approx(slow(predicted, target))


def test_repeated_images_count_once():
    street = drawn((CAR, 1, 0, 0, 8, 8))
    pairs = [(street, street), (drawn(), street)]
    once = known(scores(*pairs))
    assert once["recall_by_contact/apart"] == 1 / 2
    assert known(scores(*pairs, pairs[0], index=[0, 1, 0])) == once
