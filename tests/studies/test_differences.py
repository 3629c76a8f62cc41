"""Confidence intervals and sign-flip tests: against printed tables, a paired t-test and every choice of signs."""

import itertools
import math
import random
import statistics

import pytest
from scipy import stats

from oasis.studies.differences import Difference, holm, reach, sign_flip_p_value, smallest_p_value


# Two-sided 95 % quantiles as printed in Student's table.
@pytest.mark.parametrize(("pairs", "t"), [(2, 12.706), (3, 4.303), (4, 3.182), (6, 2.571), (11, 2.228), (31, 2.042)])
def test_an_interval_reaches_as_far_as_the_printed_table_says(pairs, t):
    assert reach(pairs) * math.sqrt(pairs) == pytest.approx(t, abs=5e-4)


def test_the_interval_is_that_of_a_paired_t_test():
    rng = random.Random(0)
    for n in (2, 3, 8):
        ours = {seed: rng.gauss(1, 2) for seed in range(n)}
        theirs = {seed: rng.gauss(0, 2) for seed in range(n)}
        test = stats.ttest_rel(list(ours.values()), list(theirs.values()))
        expected = test.confidence_interval(0.95)
        one = Difference.between(ours, theirs)
        assert one.interval == pytest.approx((expected.low, expected.high), rel=1e-8)
        assert one.t_p_value == pytest.approx(test.pvalue, rel=1e-8)
        assert one.mean == pytest.approx(statistics.fmean(ours.values()) - statistics.fmean(theirs.values()))


def test_by_hand_with_three_seeds():
    """1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.3027."""
    one = Difference({0: 1.0, 1: 2.0, 2: 3.0})
    assert one.interval == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)), rel=1e-6)
    assert not one.significant
    assert Difference({0: 1.9, 1: 2.0, 2: 2.1}).significant
    assert Difference({0: -1.9, 1: -2.0, 2: -2.1}).significant


def test_an_interval_holds_the_truth_as_often_as_it_says():
    rng = random.Random(1)
    draws = [Difference({seed: rng.gauss(0.7, 1) for seed in range(3)}).interval for _ in range(2000)]
    assert sum(low <= 0.7 <= high for low, high in draws) / 2000 == pytest.approx(0.95, abs=0.015)


def test_only_common_seeds_with_numbers_are_paired():
    one = Difference.between({0: 1.0, 1: 5.0, 3: math.nan, 4: 1.0}, {1: 2.0, 0: 0.5, 2: 9.0, 3: 1.0})
    assert dict(one.values) == {0: 0.5, 1: 3.0}


@pytest.mark.parametrize("values", [{}, {0: 1.0}], ids=["none", "one"])
def test_less_than_two_pairs_say_nothing(values):
    one = Difference(values)
    assert all(map(math.isnan, (*one.interval, one.t_p_value)))
    assert not one.significant


def test_equal_differences_have_an_interval_of_no_width():
    assert Difference({0: 0.5, 1: 0.5}).significant
    assert not Difference({0: 0.0, 1: 0.0}).significant
    assert [Difference({0: value, 1: value}).t_p_value for value in (0.5, 0.0)] == [0.0, 1.0]


def test_rounding_is_no_difference():
    ours = {seed: 0.1 + 0.2 for seed in range(4)}
    one = Difference.between(ours, dict.fromkeys(ours, 0.3))
    assert one.mean == 0.0
    assert (one.significant, one.t_p_value, one.p_value) == (False, 1.0, 1.0)


def test_sign_flips_are_those_of_the_slow_way():
    rng = random.Random(2)
    for n in range(1, 8):
        values = [rng.gauss(0.5, 1) for _ in range(n)]
        seen = abs(sum(values))
        flips = [
            abs(sum(s * v for s, v in zip(signs, values, strict=True)))
            for signs in itertools.product((1, -1), repeat=n)
        ]
        assert sign_flip_p_value(values) == pytest.approx(sum(f >= seen - 1e-9 for f in flips) / 2**n)


def test_three_seeds_of_one_sign_give_a_quarter():
    assert sign_flip_p_value([3.0, 0.1, 7.0]) == smallest_p_value(3) == 0.25
    assert sign_flip_p_value([0.1 + 0.2, 0.3]) == 0.5  # 0 is as far as 0 but for rounding
    assert math.isnan(sign_flip_p_value([]))
    assert math.isnan(sign_flip_p_value([1.0] * 41))


def test_many_seeds_are_flipped_exactly_too():
    """Of 20 equal values, the sum is that of a binomial number of signs."""
    assert sign_flip_p_value([1.0] * 20) == 2 / 2**20
    values = [1.0] * 15 + [-1.0] * 5
    assert sign_flip_p_value(values) == pytest.approx(2 * stats.binom.sf(14, 20, 0.5), rel=1e-12)


def test_correction_for_several_arms():
    """Holm's step-down procedure, as his paper words it: reject while p(i) <= level / (m - i + 1)."""
    rng = random.Random(3)
    for _ in range(200):
        p_values = [rng.random() ** 3 for _ in range(rng.randint(1, 6))]
        level = rng.random()
        rejected = set()
        for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[index] > level / (len(p_values) - place):
                break
            rejected.add(index)
        assert {index for index, p_value in enumerate(holm(p_values)) if p_value <= level} == rejected
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # by hand
    assert holm([0.6, 0.9]) == [1.0, 1.0]
