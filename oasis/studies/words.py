"""The sentences of a report: conclusions from differences, and their certainty."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from oasis.metrics.names import describe
from oasis.studies.arms import Arm
from oasis.studies.differences import CONFIDENCE, Difference, reach, smallest_p_value
from oasis.studies.pairs import Comparison, Pairs
from oasis.studies.study import RunGroup
from oasis.studies.tables import difference_text

OVERALL = "Does it matter at all?"
OVERALL_MEANING = (
    "p values of one permutation test per factor and metric: how often the means of its levels would differ as much if "
    "the levels were permuted among runs that are otherwise alike. Bold below 0.05. Where the encoding is not bold, a "
    "single interval below that excludes 0 is most likely due to chance. Where there are several encodings beside the "
    "baseline, a second test compares the baseline with all others together."
)


def conclusions(group: RunGroup, pairs: Pairs) -> Iterator[str]:
    """The metrics in which the first arm of each pair is better or worse than the second, one sentence per pair.

    Pairs without a significant difference come last, in as few sentences as possible.
    """
    undecided: dict[str, dict[Arm, list[Arm]]] = {}  # words -> the second of a pair -> the first ones
    for arm, other in pairs:
        differences = {name: group.difference(arm, other, name) for name in group.metrics}
        decided = [part for part in (_sentence(differences, better) for better in (True, False)) if part]
        open_ = [part for part in (_undecided(differences), _unmeasured(differences)) if part]
        if decided:
            yield f"{arm} against {other}: {'; '.join([*decided, *open_])}."
        else:
            undecided.setdefault("; ".join(open_), {}).setdefault(other, []).append(arm)
    for words, of in undecided.items():
        yield f"{'; '.join(f'{_listed(arms)} against {other}' for other, arms in of.items())}: {words}."


def _listed(arms: Sequence[Arm]) -> str:
    *most, last = map(str, arms)
    return f"{', '.join(most)} and {last}" if most else last


def how_to_read(comparisons: Sequence[Comparison]) -> list[str]:
    """Advice on interpreting intervals over few seeds.

    Args:
        comparisons: the comparisons in the tables of differences.
    """
    counts: Counter[int] = Counter()
    for compared in comparisons:
        group = compared.group
        for one in (group.difference(*pair, name) for pair in compared.pairs for name in group.metrics):
            if one.pairs > 1:
                counts[one.pairs] += 1
    if not counts:
        return ["A difference needs two seeds or more that both sides were trained with: there are no intervals."]
    notes = [
        "Differences are paired: the same seed, hence the same order of the data, on both sides. [low, high] is the "
        "95 % confidence interval of their mean (Student's t over seeds). Where it contains 0, the two cannot be told "
        "apart with as many seeds; that is not to say that they are equal."
    ]
    notes += [_reach(count) for count in sorted(counts)]
    intervals = sum(counts.values())
    notes.append(
        f"These tables hold {intervals} interval{'s' if intervals > 1 else ''}. If nothing made any difference, about "
        f"{(1 - CONFIDENCE) * intervals:.1f} of them would exclude 0 by chance alone."
    )
    return notes


def _reach(count: int) -> str:
    return (
        f"With {count} seeds an interval reaches {reach(count):.2f} standard deviations of the differences to either "
        "side"
        + (": it is wide, and shows only large effects." if count < 6 else ".")
        + f" The exact sign-flip test, which assumes no distribution, gives no p below "
        f"{smallest_p_value(count):.3g} with {count} pairs"
        + (", so that by itself it can never reach 0.05." if smallest_p_value(count) > 1 - CONFIDENCE else ".")
    )


def conclusion(difference: Difference, name: str) -> str:
    """`better`, `worse`, or why it is undecided."""
    if difference.pairs < 2:
        return "too few seeds"
    if not difference.significant:
        return f"cannot be told apart with {difference.pairs} seeds"
    return "better" if (difference.mean > 0) == describe(name).higher_is_better else "worse"


def _sentence(differences: dict[str, Difference], better: bool) -> str:
    word = "better" if better else "worse"
    parts = [
        f"{describe(name).title} {difference_text(one, describe(name))} (sign-flip p = {_probability(one.p_value)})"
        for name, one in differences.items()
        if conclusion(one, name) == word
    ]
    return f"{word} in {', '.join(parts)}" if parts else ""


def _undecided(differences: dict[str, Difference]) -> str:
    named: dict[int, list[str]] = {}
    for name, one in differences.items():
        if one.pairs > 1 and not one.significant:
            named.setdefault(one.pairs, []).append(describe(name).title)
    parts = [f"cannot be told apart with {pairs} seeds in {', '.join(titles)}" for pairs, titles in named.items()]
    return "; ".join(parts)


def _unmeasured(differences: dict[str, Difference]) -> str:
    few = [describe(name).title for name, one in differences.items() if one.pairs < 2]
    return f"fewer than two common seeds in {', '.join(few)}" if few else ""


def _probability(p_value: float) -> str:
    return "unknown" if math.isnan(p_value) else f"{p_value:.3g}"
