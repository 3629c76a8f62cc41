"""Whether encoding, discriminator and seed matter at all: one test each, over all runs, before any two are compared.

And whether the baseline is like the other encodings taken together: does it help to show instances, in whatever way?
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from oasis.metrics.names import describe
from oasis.studies.differences import CONFIDENCE
from oasis.studies.run import Run
from oasis.studies.study import RunGroup

DRAWS = 9999  # rearrangements that are looked at
_FEWEST = 2  # levels and blocks

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # (..., blocks, levels) to (...)


@dataclass(frozen=True)
class Factor:
    """Something in which runs differ, and whether their numbers differ with it.

    Attributes:
        name: encoding, discriminator or seed, or the baseline against the other encodings.
        levels: how many there are of it.
        blocks: how many groups of runs there are that differ in it alone and have all its levels.
        p_values: metric -> p value; nan where too few runs have a number.
        compared: what with what, in words.
    """

    name: str
    levels: int
    blocks: int
    p_values: Mapping[str, float]
    compared: str


def factors(group: RunGroup) -> list[Factor]:
    """What the runs of a group differ in, as far as it can be tested; empty where nothing can.

    Args:
        group: its runs.
    """
    found = []
    for name in (*group.choices, "seed"):
        level, block = _level_and_block(group, name)
        # Sorted, so that the random numbers fall on the same runs whatever order they were read in.
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


def _level_and_block(group: RunGroup, name: str) -> tuple[Callable[[Run], Hashable], Callable[[Run], Hashable]]:
    """The level of a factor in a run, and the block of runs that differ in it alone."""

    def level(run: Run) -> Hashable:
        return run.seed if name == "seed" else group.arm_of(run)[name]

    def block(run: Run) -> Hashable:
        others = tuple(chosen for part, chosen in group.arm_of(run).choices if part != name)
        return others if name == "seed" else (*others, run.seed)

    return level, block


def means_apart(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., blocks, levels) to (...): how far apart the levels' means are."""
    spread: NDArray[np.float64] = np.square(centred.mean(axis=-2)).sum(axis=-1)
    return spread


def level_apart(place: int, centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., blocks, levels) to (...): how far the mean of the level at a place lies from that of all."""
    distance: NDArray[np.float64] = np.abs(centred[..., place].mean(axis=-1))
    return distance


def permutation_p_value(table: NDArray[np.float64], statistic: Statistic = means_apart) -> float:
    """How often the levels' means lie as far apart if the levels are dealt anew within each block.

    The test of a randomised block design, without any assumption of normality. Rearrangements are drawn with fixed
    random numbers, so p is known to about 0.005 and no smaller than 1 / 10,000.

    Args:
        table: (blocks, levels) numbers.
        statistic: of a table whose blocks have mean 0, how far apart its levels are.

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
    """One sentence a factor: in which metrics it matters, and in which that cannot be said."""
    return [sentence for factor in found for sentence in _sentences(factor)]


def _complete(
    group: RunGroup,
    metric: str,
    levels: list[Hashable],
    level: Callable[[Run], Hashable],
    block: Callable[[Run], Hashable],
) -> NDArray[np.float64]:
    """(blocks, levels) values of a metric; blocks in which a level has no number are left out."""
    blocks: dict[Hashable, dict[Hashable, float]] = defaultdict(dict)
    for run in group.runs:
        blocks[block(run)][level(run)] = run.metrics.get(metric, math.nan)
    rows = [[blocks[one].get(other, math.nan) for other in levels] for one in sorted(blocks, key=str)]
    whole = [row for row in rows if all(map(math.isfinite, row))]
    return np.array(whole, dtype=np.float64).reshape(len(whole), len(levels))


def _sentences(factor: Factor) -> list[str]:
    told: list[str] = []
    untold: list[str] = []
    for metric, p_value in factor.p_values.items():
        if math.isfinite(p_value):
            seen = p_value < 1 - CONFIDENCE
            (told if seen else untold).append(f"{describe(metric).title} (p = {p_value:.2g})")
    tested = f"{factor.compared}, in {factor.blocks} blocks of runs: it"
    sentences = [f"{tested} matters for {', '.join(told)}."] if told else []
    if untold:
        sentences.append(f"{tested} cannot be shown to matter for {', '.join(untold)}.")
    return sentences
