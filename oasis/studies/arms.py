"""Arms of a study: the named choices of its runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oasis.studies.run import Run
from oasis.training.callbacks.run_summary import PARTS

ALWAYS = ("encoding", "discriminator")  # the choices of every arm
NOT_RECORDED = "not recorded"
# Choice -> others that may follow from it: model=spade has a discriminator of its own; generator=inade, a model.
_MAY_FOLLOW = {"model": ("discriminator", "generator", "objective", "schedule"), "generator": ("model",)}


@dataclass(frozen=True, order=True)
class Arm:
    """A variant of training: a set of named choices.

    Attributes:
        choices: (group, name) of the encoding, the discriminator, and all others that differ between the runs.
    """

    choices: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, encoding: str, discriminator: str = "oasis", **others: str) -> "Arm":
        """The arm of these choices."""
        return cls((("encoding", encoding), ("discriminator", discriminator), *others.items()))

    def __getitem__(self, group: str) -> str:
        """The name chosen of a group."""
        return dict(self.choices)[group]

    @property
    def encoding(self) -> str:
        """The name of its encoding."""
        return self["encoding"]

    @property
    def context(self) -> tuple[tuple[str, str], ...]:
        """All choices but the encoding."""
        return tuple((group, name) for group, name in self.choices if group != "encoding")

    def choosing(self, **names: str) -> "Arm":
        """The arm that differs in these choices."""
        return Arm(tuple((group, names.get(group, name)) for group, name in self.choices))

    def __str__(self) -> str:
        """`boundary / oasis`, or with all group names if there are more than these two."""
        if tuple(group for group, _ in self.choices) == ALWAYS:
            return " / ".join(name for _, name in self.choices)
        return ", ".join(f"{group}={name}" for group, name in self.choices)


def named_groups(runs: Iterable[Run]) -> tuple[str, ...]:
    """The groups whose choices name the arms: encoding, discriminator, and all others in which the runs differ."""
    names: dict[str, set[str]] = {}
    for run in runs:
        for group, name in run.choices.items():
            names.setdefault(group, set()).add(name)
    differing = {group for group, chosen in names.items() if len(chosen) > 1}
    known = [group for group in PARTS if group in ALWAYS or group in differing]
    return (*known, *sorted(differing.difference(known)))


def arm_of(run: Run, groups: Iterable[str]) -> Arm:
    """The arm of a run, named by these groups."""
    return Arm(tuple((group, run.choices.get(group, NOT_RECORDED)) for group in groups))


def choices_that_follow(arms: Sequence[Arm], group: str) -> set[str]:
    """The groups whose names follow from that of a group: `model` from `generator`, if each is in one model alone."""

    def count(*groups: str) -> int:
        return len({tuple(arm[one] for one in groups) for arm in arms})

    known = {one for arm in arms for one, _ in arm.choices}.intersection(_MAY_FOLLOW.get(group, ()))
    return {other for other in known if count(group, other) == count(group)}
