"""The comparisons of a study's arms."""

from collections.abc import Sequence
from dataclasses import dataclass

from oasis.studies.arms import Arm
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
            first = group.arms[0][part]
            found.append(
                Comparison(
                    f"Differences from the {_words(part)} {first}",
                    f"minus the {_words(part)} {first}",
                    group,
                    choice_pairs(group, part),
                )
            )
    together = pooled(group)
    if together is not None:
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
    """Each arm and the one that differs from it only in one choice, which is that of the first arm."""
    first = group.arms[0][part]
    pairs = [(arm, arm.choosing(**{part: first})) for arm in group.arms if arm[part] != first]
    return [(arm, other) for arm, other in pairs if other in group.arms]
