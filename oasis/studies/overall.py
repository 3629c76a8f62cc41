"""Overall tests of encoding, discriminator and seed, over all runs, before pairwise comparisons.

And one of the baseline against all other encodings together: does any encoding of instances help?
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from oasis.metrics.names import describe
from oasis.studies.arms import choices_that_follow
from oasis.studies.differences import CONFIDENCE
from oasis.studies.run import Run
from oasis.studies.study import RunGroup

DRAWS = 9999  # sampled permutations
_FEWEST = 2  # levels and blocks

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # (..., blocks, levels) to (...)
_Block = tuple[Hashable, Hashable]  # the repetition of a run, and its other choices


@dataclass(frozen=True)
class Factor:
    """A factor in which runs differ, and its effect on their metrics.

    Attributes:
        name: encoding, discriminator or seed, or the baseline against the other encodings.
        levels: number of levels.
        blocks: number of repetitions: seeds; for the factor seed, groups of runs that differ only in it.
        p_values: metric -> p value; nan if too few runs have a number.
        compared: description of the comparison.
    """

    name: str
    levels: int
    blocks: int
    p_values: Mapping[str, float]
    compared: str


def factors(group: RunGroup) -> list[Factor]:
    """The factors of a group's runs that can be tested.

    Args:
        group: its runs.
    """
    found = []
    for name in (*group.choices, "seed"):
        level, block = _level_and_block(group, name)
        # Sorted, so that the permutations do not depend on the order of reading.
        levels = sorted({level(run) for run in group.runs}, key=str)
        tables = {metric: _complete(group, metric, levels, level, block) for metric in group.metrics}
        blocks = max((len(table) for table in tables.values()), default=0)
        if len(levels) < _FEWEST or blocks < _FEWEST:
            continue
        p_values = {metric: permutation_p_value(table) for metric, table in tables.items()}
        found.append(Factor(name, len(levels), blocks, p_values, f"All {len(levels)} {name}s at once"))
        if name == "encoding" and group.baseline in levels and len(levels) > _FEWEST:
            place = levels.index(group.baseline)
            p_values = {
                metric: permutation_p_value(table, partial(level_apart, place)) for metric, table in tables.items()
            }
            words = f"{group.baseline} against the {len(levels) - 1} others taken together"
            found.append(Factor(f"{group.baseline} or another", 2, blocks, p_values, words))
    return found


def _level_and_block(group: RunGroup, name: str) -> tuple[Callable[[Run], Hashable], Callable[[Run], _Block]]:
    """The level of a factor in a run, and the runs that differ only in it and in what follows from it.

    These are named by the repetition that they belong to, and the rest.
    """
    inside = {name, *choices_that_follow(group.arms, name)}

    def level(run: Run) -> Hashable:
        return run.seed if name == "seed" else group.arm_of(run)[name]

    def block(run: Run) -> _Block:
        others = tuple(chosen for part, chosen in group.arm_of(run).choices if part not in inside)
        return (others, ()) if name == "seed" else (run.seed, others)

    return level, block


def means_apart(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., blocks, levels) to (...): the spread of the levels' means."""
    spread: NDArray[np.float64] = np.square(centred.mean(axis=-2)).sum(axis=-1)
    return spread


def level_apart(place: int, centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., blocks, levels) to (...): the distance of one level's mean from the overall mean."""
    distance: NDArray[np.float64] = np.abs(centred[..., place].mean(axis=-1))
    return distance


def permutation_p_value(table: NDArray[np.float64], statistic: Statistic = means_apart) -> float:
    """The probability of means as far apart if the levels are permuted within each block.

    The test of a randomised block design, without the assumption of normality. Permutations are sampled with a fixed
    seed, so p is accurate to about 0.005 and at least 1 / 10,000.

    Args:
        table: (blocks, levels) numbers.
        statistic: the spread of the levels of a table whose blocks have mean 0.

    Returns:
        p in (0, 1]; nan with fewer than two blocks or levels.

    Source: Pitman 1938, Significance tests which may be applied to samples from any populations, III.
    """
    if min(table.shape) < _FEWEST:
        return math.nan
    centred = table - table.mean(axis=1, keepdims=True)
    seen = statistic(centred)
    deals = np.random.default_rng(0).permuted(np.broadcast_to(centred, (DRAWS, *table.shape)), axis=2)
    as_far = np.count_nonzero(statistic(deals) >= seen * (1 - 1e-9))
    return float(1 + as_far) / (1 + DRAWS)


def overall_conclusions(found: list[Factor]) -> list[str]:
    """Sentences for each factor: the metrics with and without a significant effect."""
    return [sentence for factor in found for sentence in _sentences(factor)]


def _complete(
    group: RunGroup,
    metric: str,
    levels: list[Hashable],
    level: Callable[[Run], Hashable],
    block: Callable[[Run], _Block],
) -> NDArray[np.float64]:
    """(repetitions, levels) values of a metric, means over the rest; where a level is missing, runs are left out.

    Runs of one seed share first weights and the order of the data. Counted apart, they would be no repetitions.
    """
    blocks: dict[_Block, dict[Hashable, float]] = defaultdict(dict)
    for run in group.runs:
        blocks[block(run)][level(run)] = run.metrics.get(metric, math.nan)
    whole: dict[Hashable, list[list[float]]] = defaultdict(list)
    for repetition, rest in sorted(blocks, key=str):
        row = [blocks[repetition, rest].get(one, math.nan) for one in levels]
        if all(map(math.isfinite, row)):
            whole[repetition].append(row)
    means = [np.mean(rows, axis=0) for rows in whole.values()]
    return np.array(means, dtype=np.float64).reshape(len(means), len(levels))


def _sentences(factor: Factor) -> list[str]:
    told: list[str] = []
    untold: list[str] = []
    for metric, p_value in factor.p_values.items():
        if math.isfinite(p_value):
            seen = p_value < 1 - CONFIDENCE
            (told if seen else untold).append(f"{describe(metric).title} (p = {p_value:.2g})")
    repeated = f"in {factor.blocks} arms" if factor.name == "seed" else f"with {factor.blocks} seeds"
    tested = f"{factor.compared}, {repeated}: it"
    sentences = [f"{tested} matters for {', '.join(told)}."] if told else []
    if untold:
        sentences.append(f"{tested} cannot be shown to matter for {', '.join(untold)}.")
    return sentences
