"""Paired differences between two arms, their confidence intervals and p values."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_MOST_FLIPPED = 16  # pairs: 2^16 flips take a tenth of a second


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
        pairs = {seed: ours[seed] - theirs[seed] for seed in both}
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
    def p_value(self) -> float:
        """Two-sided p value of the exact sign-flip test; nan without pairs, or with too many."""
        return sign_flip_p_value(list(self.values.values()))


def sign_flip_p_value(values: Sequence[float]) -> float:
    """The p value of a sign-flip test: the probability of a mean as far from 0 if signs are random.

    Exact and without the assumption of normality; with n values it is at least 2 / 2^n.

    Args:
        values: n differences.

    Returns:
        Share of the 2^n choices of signs in (0, 1]; nan for n = 0 or n > 16.

    Source: Fisher 1935, The Design of Experiments, section 21.
    """
    if not 0 < len(values) <= _MOST_FLIPPED:
        return math.nan
    if len(values) == 1:
        return 1.0
    from scipy import stats

    size = math.fsum(map(abs, values)) or 1.0

    def distance(signed: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        # Sums of the same numbers round differently: smaller differences count as equal.
        rounded: NDArray[np.float64] = np.abs(signed.sum(axis=axis) / size).round(12)
        return rounded

    test = stats.permutation_test(
        (np.asarray(values),), distance, permutation_type="samples", n_resamples=math.inf, alternative="greater"
    )
    return float(test.pvalue)


def reach(pairs: int) -> float:
    """Half a 95 % confidence interval over n >= 2 pairs, in standard deviations: t(0.975, n - 1) / sqrt(n)."""
    from scipy import stats

    return float(stats.t.ppf((1 + CONFIDENCE) / 2, pairs - 1)) / math.sqrt(pairs)


def smallest_p_value(pairs: int) -> float:
    """The smallest possible p value of the sign-flip test with n pairs."""
    return 2.0 / 2.0**pairs
