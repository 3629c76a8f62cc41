"""Which arms of a study are compared with which."""

from collections.abc import Sequence
from dataclasses import dataclass

from oasis.studies.others import with_others
from oasis.studies.study import Arm, Setting, pooled

Pairs = Sequence[tuple[Arm, Arm]]


@dataclass(frozen=True)
class Comparison:
    """One table of differences.

    Attributes:
        title: what is compared with what.
        heading: of the table's first column.
        setting: holds the arms.
        pairs: one arm, and the one that is taken from it.
        name: of its picture; empty where none is drawn.
    """

    title: str
    heading: str
    setting: Setting
    pairs: Pairs
    name: str = ""


def comparisons(setting: Setting) -> list[Comparison]:
    """All that is compared within a setting: encodings over all discriminators, under each, and discriminators."""
    baseline, first = setting.baseline, setting.arms[0].discriminator
    found = [
        _from_baseline(setting, f"Differences from {baseline}", "differences"),
        Comparison(
            f"Differences from the discriminator {first}",
            f"minus the discriminator {first}",
            setting,
            discriminator_pairs(setting),
        ),
    ]
    together = pooled(setting)
    if together is not None:
        title = f"Differences from {baseline}, all discriminators together"
        found.insert(0, _from_baseline(together, title, "differences_together"))
    return [one for one in found if one.pairs]


def _from_baseline(setting: Setting, title: str, name: str) -> Comparison:
    extended, others = with_others(setting)
    return Comparison(title, f"minus {setting.baseline}", extended, [*baseline_pairs(setting), *others], name)


def baseline_pairs(setting: Setting) -> list[tuple[Arm, Arm]]:
    """Each arm and the baseline of its discriminator, as far as there is one."""
    pairs = [(arm, Arm(arm.discriminator, setting.baseline)) for arm in setting.arms]
    return [(arm, other) for arm, other in pairs if arm != other and other in setting.arms]


def discriminator_pairs(setting: Setting) -> list[tuple[Arm, Arm]]:
    """Each arm and the one of its encoding with the first discriminator, as far as there is one."""
    first = setting.arms[0].discriminator
    pairs = [(arm, Arm(first, arm.encoding)) for arm in setting.arms if arm.discriminator != first]
    return [(arm, other) for arm, other in pairs if other in setting.arms]
