"""The mean of all encodings but the baseline: does any encoding of instances help?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from oasis.studies.arms import Arm
from oasis.studies.run import Run
from oasis.studies.study import RunGroup, mean_of

_FEWEST = 2  # encodings for a mean


def with_others(group: RunGroup) -> tuple[RunGroup, list[tuple[Arm, Arm]]]:
    """Add an arm for each discriminator: the mean of all its encodings but the baseline, seed by seed.

    Args:
        group: its runs.

    Returns:
        The group, and each new arm with its baseline; unchanged, and empty, if there are fewer than two others. A seed
        that one of them lacks has no mean, since it would be over other encodings.
    """
    runs: list[Run] = []
    pairs: list[tuple[Arm, Arm]] = []
    for arms in group.contexts:
        baseline = arms[0].choosing(encoding=group.baseline)
        others = [arm for arm in arms if arm != baseline]
        if len(others) >= _FEWEST and baseline in arms:
            mean = baseline.choosing(encoding=f"mean of the {len(others)} others")
            runs += _means(group, others, mean.encoding)
            pairs.append((mean, baseline))
    return replace(group, runs=(*group.runs, *runs)), pairs


def _means(group: RunGroup, others: Sequence[Arm], name: str) -> Iterator[Run]:
    """One run for each seed that all others have, with the means of their metrics."""
    by_seed = [{run.seed: run for run in group.of(arm)} for arm in others]
    for seed in sorted(set.intersection(*(set(runs) for runs in by_seed))):
        yield mean_of([runs[seed] for runs in by_seed]).choosing(encoding=name)
