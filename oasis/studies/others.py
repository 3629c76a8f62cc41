"""All encodings but the baseline, taken as one: does it help to show instances, in whatever way?"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

from oasis.studies.run import Run
from oasis.studies.study import Arm, Setting

_FEWEST = 2  # encodings that a mean is taken of


def with_others(setting: Setting) -> tuple[Setting, list[tuple[Arm, Arm]]]:
    """A setting with one more arm a discriminator, the mean of all its encodings but the baseline, seed by seed.

    Args:
        setting: its runs.

    Returns:
        The setting, and each new arm with the baseline that it is compared with; as it was, and nothing, where there
        are less than two others. A seed that one of them lacks has no mean: it would be one of other encodings.
    """
    runs: list[Run] = []
    pairs: list[tuple[Arm, Arm]] = []
    for discriminator in dict.fromkeys(arm.discriminator for arm in setting.arms):
        baseline = Arm(discriminator, setting.baseline)
        others = [arm for arm in setting.arms if arm.discriminator == discriminator and arm != baseline]
        if len(others) >= _FEWEST and baseline in setting.arms:
            mean = Arm(discriminator, f"mean of the {len(others)} others")
            runs += _means(setting, others, mean)
            pairs.append((mean, baseline))
    return replace(setting, runs=(*setting.runs, *runs)), pairs


def _means(setting: Setting, others: Sequence[Arm], mean: Arm) -> Iterator[Run]:
    """One run a seed that holds the means of the others' metrics."""
    values = {name: [setting.by_seed(arm, name) for arm in others] for name in setting.metrics}
    for run in setting.of(others[0]):
        means = {
            name: statistics.fmean(one.get(run.seed, math.nan) for one in by_seed) for name, by_seed in values.items()
        }
        yield replace(run, encoding=mean.encoding, metrics=means)
