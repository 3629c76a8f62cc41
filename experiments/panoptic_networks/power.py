"""From the spread in a pilot to the number of seeds.

    python -m experiments.panoptic_networks.power --pilot experiments/panoptic_networks/results/pilot/runs.csv

The test is a paired t test of an arm against `semantic`. With Holm's correction, the smallest p value has to be below
ALPHA / ARMS, and the others below something larger: at that level, the power of the t test is at least POWER, if the
pilot's spread is the true one.
"""

import argparse
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from experiments.panoptic_networks.plan import BASELINE, PILOT, PRIMARY, arm_of, runs_of_stage, scores
from oasis.errors import ConfigurationError
from oasis.metrics.names import describe
from oasis.report import Table, cells
from oasis.report.markdown import table_as_markdown
from oasis.studies.differences import Difference

_MOST = 1000  # seeds that are tried
_SHOWN = (4, 8, 12, 16, 20, 30)  # numbers of seeds
MOST_SEEDS = 12  # that the plan affords


def power(effect: float, spread: float, pairs: int, alpha: float) -> float:
    """The power of a two-sided paired t test.

    Args:
        effect: the true mean of the differences.
        spread: their standard deviation, above 0, in the unit of `effect`.
        pairs: number of differences, 2 or more.
        alpha: the level of the test.

    Returns:
        The probability in (0, 1) that p < alpha.

    Source: Cohen 1988, Statistical power analysis for the behavioral sciences, chapter 2: the noncentral t.
    """
    from scipy import stats

    limit = stats.t.isf(alpha / 2, pairs - 1)
    shift = abs(effect) / spread * math.sqrt(pairs)
    # The other tail: one in a million with any effect that matters, and nan where it underflows.
    other = stats.nct.cdf(-limit, pairs - 1, shift)
    return float(stats.nct.sf(limit, pairs - 1, shift)) + (0.0 if math.isnan(other) else float(other))


def pairs_needed(effect: float, spread: float, wanted: float, alpha: float) -> int:
    """The smallest number of pairs with this power.

    Args:
        effect: see `power`, as the others.
        spread: of the differences.
        wanted: the power, below 1.
        alpha: the level.

    Raises:
        ConfigurationError: more than 1,000 pairs.
    """
    for pairs in range(2, _MOST + 1):
        if power(effect, spread, pairs, alpha) >= wanted:
            return pairs
    raise ConfigurationError(
        f"An effect of {effect:g} with a spread of {spread:g} needs more than {_MOST} seeds: look for a larger "
        "effect, or train longer, so that runs differ less."
    )


def effect_shown(spread: float, pairs: int, wanted: float, alpha: float) -> float:
    """The smallest effect that so many pairs show with this power.

    Args:
        spread: see `power`, as the others.
        pairs: number of differences.
        wanted: the power.
        alpha: the level.

    Returns:
        The effect, to a thousandth of the spread.
    """
    low, high = 0.0, 1.0
    while power(high * spread, spread, pairs, alpha) < wanted:
        high *= 2
    while high - low > 0.001:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle * spread, spread, pairs, alpha) >= wanted else (middle, high)
    return high * spread


def spreads(pilot: Path) -> dict[str, float]:
    """Arm -> standard deviation over seeds of its difference from `semantic`, in points of the primary outcome.

    Args:
        pilot: the table of the pilot's runs.

    Raises:
        ConfigurationError: see `runs_of_stage`; or fewer than two seeds of the baseline and an arm.
    """
    group = runs_of_stage(pilot, PILOT)
    baseline = scores(group, BASELINE, PRIMARY)
    found = {}
    for arm in sorted({arm_of(run) for run in group.runs} - {BASELINE}):
        one = Difference.between(scores(group, arm, PRIMARY), baseline)
        if one.pairs < 2:
            raise ConfigurationError(
                f"{pilot}: {arm} and {BASELINE} have {one.pairs} seeds in common with a {PRIMARY}, and a spread needs "
                "two. Finish the pilot: the same command continues it."
            )
        found[arm] = describe(PRIMARY).factor * statistics.stdev(one.values.values())
    if not found or not any(found.values()):
        raise ConfigurationError(f"{pilot}: no arm but {BASELINE}, or no differences: there is no spread to plan with.")
    return found


def report(pilot: Path, effect: float, wanted: float, arms: int, alpha: float) -> str:
    """The page: a table of arms, one of numbers of seeds, and the number to take.

    Args:
        pilot: see `spreads`.
        effect: in points.
        wanted: the power.
        arms: number of comparisons.
        alpha: the level of all comparisons together.
    """
    found, level = spreads(pilot), alpha / arms
    pooled = math.sqrt(statistics.fmean(spread**2 for spread in found.values()))
    every = {name.split("/")[-1]: spread for name, spread in found.items()} | {"all arms": pooled}
    rows = [
        cells(name, f"{spread:.2f}", *(_shown(spread, count, wanted, level) for count in _SHOWN))
        for name, spread in every.items()
    ]
    title = describe(PRIMARY).title
    number = pairs_needed(effect, pooled, wanted, level)
    taken = min(number, MOST_SEEDS)
    return "\n".join(
        (
            "<!-- Made from runs.csv by power.py; do not edit. -->",
            "",
            f"Spread of the differences from `semantic` over seeds, in points of {title}, and the effect, in points, "
            f"that a number of seeds shows with a power of {100 * wanted:g} % at p < {alpha:g}, corrected for {arms} "
            "arms:",
            "",
            table_as_markdown(Table(cells("arm", "spread", *(f"{count} seeds" for count in _SHOWN)), tuple(rows))),
            "",
            f"An effect of {effect:g} points takes {number} seeds, by the spread of all arms (the root of the mean "
            "variance).",
            "",
            f"**Seeds: {taken}**, which show {_shown(pooled, taken, wanted, level)} points.",
            "",
        )
    )


def _shown(spread: float, count: int, wanted: float, level: float) -> str:
    return f"{effect_shown(spread, count, wanted, level):.1f}" if spread else "0"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilot", type=Path, required=True, help="the table of the pilot's runs")
    parser.add_argument("--effect", type=float, default=3.0, help="points of touching instances found")
    parser.add_argument("--power", type=float, default=0.9)
    parser.add_argument("--arms", type=int, default=7, help="compared with semantic")
    parser.add_argument("--alpha", type=float, default=0.01)
    options = parser.parse_args(arguments)
    if not (options.effect > 0 and 0 < options.power < 1 and options.arms > 0 and 0 < options.alpha < 1):
        parser.error("--effect and --arms are above 0; --power and --alpha between 0 and 1")
    print(report(options.pilot, options.effect, options.power, options.arms, options.alpha), end="")


if __name__ == "__main__":
    main()
