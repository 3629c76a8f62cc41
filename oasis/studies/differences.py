"""Paired differences between two arms, their confidence intervals and p values."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_MOST_FLIPPED = 40  # pairs: all choices of signs of one half, and of the other, fit into memory


@dataclass(frozen=True)
class Difference:
    """One arm minus another, paired by seed.

    Attributes:
        values: seed -> difference of the metric, for all seeds that both were trained with.
    """

    values: Mapping[int, float]

    @classmethod
    def between(cls, ours: Mapping[int, float], theirs: Mapping[int, float]) -> "Difference":
        """Ours minus theirs, for the seeds that both have."""
        both = sorted(ours.keys() & theirs.keys())
        pairs = {seed: _minus(ours[seed], theirs[seed]) for seed in both}
        return cls({seed: value for seed, value in pairs.items() if math.isfinite(value)})

    @property
    def pairs(self) -> int:
        """n, the number of seeds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Mean over the seeds; nan if there is none."""
        return statistics.fmean(self.values.values()) if self.values else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the mean: mean ± t(0.975, n - 1) * s / sqrt(n); nan with fewer than two pairs.

        Assumes that differences are normally distributed over seeds. Source: Student 1908.
        """
        if self.pairs < 2:
            return math.nan, math.nan
        half = reach(self.pairs) * statistics.stdev(self.values.values())
        return self.mean - half, self.mean + half

    @property
    def significant(self) -> bool:
        """Whether the interval excludes 0; False with fewer than two pairs."""
        low, high = self.interval
        return low > 0 or high < 0

    @property
    def t_p_value(self) -> float:
        """Two-sided p value of the paired t test, which agrees with `interval`; nan with fewer than two pairs."""
        if self.pairs < 2:
            return math.nan
        from scipy import stats

        error = statistics.stdev(self.values.values()) / math.sqrt(self.pairs)
        if not error:
            return 0.0 if self.mean else 1.0
        return float(2 * stats.t.sf(abs(self.mean) / error, self.pairs - 1))

    @property
    def p_value(self) -> float:
        """Two-sided p value of the exact sign-flip test; nan without pairs, or with too many."""
        return sign_flip_p_value(list(self.values.values()))


def _minus(our: float, their: float) -> float:
    """The difference; 0 for scores that differ by rounding alone, which a test would take for certainty."""
    return 0.0 if math.isclose(our, their, rel_tol=1e-12) else our - their


def sign_flip_p_value(values: Sequence[float]) -> float:
    """The p value of a sign-flip test: the probability of a mean as far from 0 if signs are random.

    Exact and without the assumption of normality; with n values it is at least 2 / 2^n.

    Args:
        values: n differences.

    Returns:
        Share of the 2^n choices of signs in (0, 1]; nan for n = 0 or n > 40.

    Source: Fisher 1935, The Design of Experiments, section 21.
    """
    if not 0 < len(values) <= _MOST_FLIPPED:
        return math.nan
    seen = abs(math.fsum(values)) - 1e-12 * math.fsum(map(abs, values))  # sums of the same numbers round differently
    half = len(values) // 2
    left, right = _signed_sums(values[:half]), np.sort(_signed_sums(values[half:]))
    nearer = np.searchsorted(right, seen - left, side="left") - np.searchsorted(right, -seen - left, side="right")
    choices = 1 << len(values)
    return (choices - int(nearer.clip(min=0).sum())) / choices


def _signed_sums(values: Sequence[float]) -> NDArray[np.float64]:
    """(2^n,) sums of n values with all choices of signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate((sums + value, sums - value))
    return sums


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number: the chance of any error stays below the level that they are compared with.

    Args:
        p_values: m of one family, none of them nan.

    Returns:
        The i-th smallest times m - i + 1, at least as large as those before it and at most 1; in the order given.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for place, which in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[which]))
        corrected[which] = largest
    return corrected


def reach(pairs: int) -> float:
    """Half a 95 % confidence interval over n >= 2 pairs, in standard deviations: t(0.975, n - 1) / sqrt(n)."""
    from scipy import stats

    return float(stats.t.ppf((1 + CONFIDENCE) / 2, pairs - 1)) / math.sqrt(pairs)


def smallest_p_value(pairs: int) -> float:
    """The smallest possible p value of the sign-flip test with n pairs."""
    return 2.0 / 2.0**pairs
