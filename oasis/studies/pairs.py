"""The comparisons of a study's arms."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oasis.errors import ConfigurationError
from oasis.studies.arms import Arm, choices_that_follow
from oasis.studies.naming import without_options
from oasis.studies.others import with_others
from oasis.studies.study import RunGroup, pooled

Pairs = Sequence[tuple[Arm, Arm]]


@dataclass(frozen=True)
class Comparison:
    """One table of differences.

    Attributes:
        title: of the table.
        heading: of the table's first column.
        group: the group of the arms.
        pairs: one arm, and the one that is subtracted from it.
        name: of its picture; empty = no picture.
    """

    title: str
    heading: str
    group: RunGroup
    pairs: Pairs
    name: str = ""


def comparisons(group: RunGroup) -> list[Comparison]:
    """All comparisons within a group: encodings over all contexts, in each, and every other choice on its own."""
    found = [_from_baseline(group, f"Differences from {group.baseline}", "differences")]
    for part in group.choices:
        if part != "encoding":
            usual = usual_choice(group, part)
            found.append(
                Comparison(
                    f"Differences from the {_words(part)} {usual}",
                    f"minus the {_words(part)} {usual}",
                    group,
                    choice_pairs(group, part),
                )
            )
    together = pooled(group)
    if together is not None and len({arm.context for arm, _ in baseline_pairs(group)}) > 1:
        parts = [part for part in group.choices[1:] if len({arm[part] for arm in group.arms}) > 1]
        title = f"Differences from {group.baseline}, all {' and '.join(f'{_words(part)}s' for part in parts)} together"
        found.insert(0, _from_baseline(together, title, "differences_together"))
    return [one for one in found if one.pairs]


def _words(part: str) -> str:
    return part.replace("_", " ")


def _from_baseline(group: RunGroup, title: str, name: str) -> Comparison:
    extended, others = with_others(group)
    return Comparison(title, f"minus {group.baseline}", extended, [*baseline_pairs(group), *others], name)


def baseline_pairs(group: RunGroup) -> list[tuple[Arm, Arm]]:
    """Each arm and the baseline that differs from it only in the encoding, if there is one."""
    pairs = [(arm, arm.choosing(encoding=group.baseline)) for arm in group.arms]
    return [(arm, other) for arm, other in pairs if arm != other and other in group.arms]


def choice_pairs(group: RunGroup, part: str) -> list[tuple[Arm, Arm]]:
    """Each arm and the one that differs only in one choice, which is the usual one, and in what follows from it."""
    usual = usual_choice(group, part)
    equal = {*group.choices} - {part} - choices_that_follow(group.arms, part)
    pairs = [(arm, other) for arm in group.arms for other in group.arms if arm[part] != usual == other[part]]
    return [(arm, other) for arm, other in pairs if all(arm[name] == other[name] for name in equal)]


def usual_choice(group: RunGroup, part: str) -> str:
    """The name of a choice that most arms have; of several, one whose options others choose; of these, the first."""
    counts = Counter(arm[part] for arm in group.arms)
    related = Counter(without_options(arm[part]) for arm in group.arms)
    return max(counts, key=lambda name: (counts[name], related[name]))  # in the order of the arms


def differences_from(group: RunGroup, encoding: str) -> Comparison:
    """Every arm compared with a single one: of this encoding, and the usual choices.

    Args:
        group: its runs.
        encoding: its name.

    Raises:
        ConfigurationError: there is no such arm.
    """
    usual = Arm(tuple((part, usual_choice(group, part)) for part in group.choices)).choosing(encoding=encoding)
    if usual not in group.arms:
        known = "; ".join(map(str, group.arms))
        raise ConfigurationError(f"No run of {usual}, to compare all others with; there are: {known}.")
    pairs = [(arm, usual) for arm in group.arms if arm != usual]
    return Comparison(f"Differences from {usual}", f"minus {usual}", group, pairs)
