"""Which arms of a study are compared with which."""

from collections.abc import Sequence
from dataclasses import dataclass

from oasis.reporting.study import Arm, Setting, pooled

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
    minus = f"minus {baseline}"
    found = [
        Comparison(f"Differences from {baseline}", minus, setting, baseline_pairs(setting), "differences"),
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
        found.insert(0, Comparison(title, minus, together, baseline_pairs(together), "differences_together"))
    return [one for one in found if one.pairs]


def baseline_pairs(setting: Setting) -> list[tuple[Arm, Arm]]:
    """Each arm and the baseline of its discriminator, as far as there is one."""
    pairs = [(arm, Arm(arm.discriminator, setting.baseline)) for arm in setting.arms]
    return [(arm, other) for arm, other in pairs if arm != other and other in setting.arms]


def discriminator_pairs(setting: Setting) -> list[tuple[Arm, Arm]]:
    """Each arm and the one of its encoding with the first discriminator, as far as there is one."""
    first = setting.arms[0].discriminator
    pairs = [(arm, Arm(first, arm.encoding)) for arm in setting.arms if arm.discriminator != first]
    return [(arm, other) for arm, other in pairs if other in setting.arms]
