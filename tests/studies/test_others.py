"""The mean of all encodings but the baseline: by hand, and over the same encodings for each seed."""

import math

import pytest
from made_up_runs import make_run

from oasis.studies import assemble
from oasis.studies.arms import Arm
from oasis.studies.others import with_others
from oasis.studies.pairs import comparisons

PQ = {"semantic": (0.30, 0.32), "boundary": (0.34, 0.36), "position": (0.36, 0.44)}
MEAN = Arm.of("mean of the 2 others", "oasis")


def study(values, discriminators=("oasis",)):
    runs = [
        make_run(encoding, seed, value, discriminator=discriminator)
        for discriminator in discriminators
        for encoding, by_seed in values.items()
        for seed, value in enumerate(by_seed)
    ]
    return assemble(runs).groups[0]


def test_each_seed_has_the_mean_of_the_others():
    group, pairs = with_others(study(PQ))
    assert pairs == [(MEAN, Arm.of("semantic", "oasis"))]
    assert group.by_seed(MEAN, "segmenter/pq") == pytest.approx({0: 0.35, 1: 0.40})
    assert group.difference(*pairs[0], "segmenter/pq").values == pytest.approx({0: 0.05, 1: 0.08})


@pytest.mark.parametrize("lacking", ["boundary", "position"])
def test_a_seed_that_one_of_them_lacks_has_no_mean(lacking):
    group, _ = with_others(study(PQ | {lacking: PQ[lacking][:1]}))
    assert list(group.by_seed(MEAN, "segmenter/pq")) == [0]
    group, _ = with_others(study(PQ | {lacking: (PQ[lacking][0], math.nan)}))
    assert list(group.by_seed(MEAN, "segmenter/pq")) == [0]


def test_one_other_or_no_baseline_leave_all_as_it_was():
    for names in (("semantic", "boundary"), ("boundary", "position")):
        before = study({name: PQ[name] for name in names})
        after, pairs = with_others(before)
        assert (after.runs, pairs) == (before.runs, [])


def test_it_is_the_last_row_wherever_encodings_are_compared_and_nowhere_else():
    group = study(PQ, ("oasis", "panoptic"))
    together, each, across = comparisons(group)
    assert str(together.pairs[-1][0]) == "mean of the 2 others / oasis + panoptic"
    assert together.group.difference(*together.pairs[-1], "segmenter/pq").pairs == 2
    assert [str(arm) for arm, _ in each.pairs[-2:]] == [
        f"mean of the 2 others / {name}" for name in ("oasis", "panoptic")
    ]
    assert not [arm for pair in across.pairs for arm in pair if "others" in arm.encoding]
    assert MEAN not in group.arms  # no run of that name is listed, generated or counted
