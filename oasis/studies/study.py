"""Runs sorted into what can be compared: settings, arms, seeds."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from oasis.errors import ConfigurationError
from oasis.evaluation import Score
from oasis.metrics.names import describe, in_order, split_class
from oasis.studies.differences import Difference
from oasis.studies.naming import with_distinct_names
from oasis.studies.run import LeftOut, Run
from oasis.studies.settings import differing

_LONGEST = 6  # differences that one sentence names
_FACTORS = frozenset(
    f"segmenter/{q}q{of}" for q in "sr" for of in ("", "_things", "_stuff")
)  # of PQ, which is told itself


@dataclass(frozen=True, order=True)
class Arm:
    """One way of training: what is compared.

    Attributes:
        discriminator: its name.
        encoding: its name.
    """

    discriminator: str
    encoding: str

    def __str__(self) -> str:
        return f"{self.encoding} / {self.discriminator}"


@dataclass(frozen=True)
class Setting:
    """Runs that differ in encoding, discriminator and seed alone.

    Attributes:
        runs: one for each arm and seed.
        baseline: the encoding that others are compared with.
        unlike: what sets it apart from the first setting of a report; empty in the first.
        unit: what a difference is repeated over.
    """

    runs: tuple[Run, ...]
    baseline: str
    unlike: tuple[str, ...] = ()
    unit: str = "seeds"

    @cached_property
    def arms(self) -> list[Arm]:
        """All arms, by discriminator, the baseline first."""
        found = {Arm(run.discriminator, run.encoding) for run in self.runs}
        return sorted(found, key=lambda arm: (arm.discriminator, arm.encoding != self.baseline, arm.encoding))

    @cached_property
    def metrics(self) -> list[str]:
        """Metrics over all classes of which is known which way is better, in the order in which they are told."""
        names = {name for run in self.runs for name in run.metrics}
        told = [name for name in names if describe(name).higher_is_better is not None and split_class(name)[1] is None]
        return in_order(sorted(name for name in told if name not in _FACTORS))

    def of(self, arm: Arm) -> list[Run]:
        """The runs of an arm, by seed."""
        own = [run for run in self.runs if (run.discriminator, run.encoding) == (arm.discriminator, arm.encoding)]
        return sorted(own, key=lambda run: run.seed)

    def by_seed(self, arm: Arm, metric: str) -> dict[int, float]:
        """Seed -> value, of the seeds for which there is a number."""
        values = {run.seed: run.metrics.get(metric, math.nan) for run in self.of(arm)}
        return {seed: value for seed, value in values.items() if math.isfinite(value)}

    def score(self, arm: Arm, metric: str) -> Score | None:
        """Mean and spread over the seeds; None where there is no number."""
        values = self.by_seed(arm, metric)
        return Score(tuple(values.values())) if values else None

    def reference(self, group: Mapping[str, Mapping[str, float]], metric: str) -> Score | None:
        """Over all runs, what each has of a group (origin -> metric -> value)."""
        values = [values.get(metric, math.nan) for values in group.values()]
        finite = tuple(value for value in values if math.isfinite(value))
        return Score(finite) if finite else None

    def difference(self, arm: Arm, other: Arm, metric: str) -> Difference:
        """One arm minus another, seed by seed."""
        return Difference.between(self.by_seed(arm, metric), self.by_seed(other, metric))


@dataclass(frozen=True)
class Study:
    """All that a report tells of.

    Attributes:
        settings: what can be compared; settings among one another cannot. The one of most runs comes first.
        left_out: runs that no number is taken from.
        warnings: what a reader has to know.
    """

    settings: tuple[Setting, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]


def assemble(
    runs: Sequence[Run], unreadable: Sequence[LeftOut] = (), baseline: str = "semantic", *, strict: bool = False
) -> Study:
    """Sort runs into settings; leave out what has no numbers, was not finished, or was done again.

    Args:
        runs: as they were found.
        unreadable: what could not be read.
        baseline: the encoding that others are compared with.
        strict: refuse what would otherwise be warned of: several settings, runs left out, a seed run twice.

    Raises:
        ConfigurationError: no run with numbers is left; or with `strict`, the first thing to be warned of.
    """
    left_out = [*unreadable, *(LeftOut(run.origin, reason) for run in runs if (reason := _unfit(run)))]
    usable = with_distinct_names([run for run in runs if not _unfit(run)])
    if not usable:
        listing = "\n  ".join(f"{one.origin}: {one.reason}" for one in left_out)
        raise ConfigurationError(f"No run is finished and has metrics:\n  {listing}")
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in usable:
        groups[json.dumps(dict(run.settings), sort_keys=True, default=str)].append(run)
    warnings: list[str] = []
    settings: list[Setting] = []
    for group in sorted(groups.values(), key=lambda group: (-len(group), group[0].origin)):
        unlike = differing(settings[0].runs[0].settings, group[0].settings) if settings else []
        settings.append(Setting(tuple(_newest_of_each(group, warnings)), baseline, tuple(unlike)))
    warnings += [_apart(number, setting) for number, setting in enumerate(settings[1:], 2)]
    for setting in settings:
        warnings += _of_setting(setting)
    if strict and (warnings or left_out):
        first = warnings[0] if warnings else f"{left_out[0].origin}: {left_out[0].reason}"
        raise ConfigurationError(f"--strict: {first}")
    return Study(tuple(settings), tuple(left_out), tuple(dict.fromkeys(warnings)))


def _unfit(run: Run) -> str:
    """Why no number is taken from a run; empty if nothing is wrong with it."""
    if not run.finished:
        return f"not finished, it stands at batch {run.batches}. Start the same command again to go on with it."
    if not run.metrics:
        return (
            "without metrics. Train with metrics=segmenter segmenter=unet, or measure its checkpoint: `oasis evaluate`."
        )
    return ""


def _newest_of_each(runs: Sequence[Run], warnings: list[str]) -> list[Run]:
    """One run for each arm and seed."""
    same: dict[tuple[str, str, int], list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.ended, run.origin)):
        same[run.encoding, run.discriminator, run.seed].append(run)
    for (encoding, discriminator, seed), several in same.items():
        *older, newest = several
        if older:
            others = ", ".join(run.origin for run in older)
            warnings.append(
                f"{encoding} / {discriminator} with seed {seed} was run {len(several)} times: {newest.origin} is the "
                f"newest and counts, {others} does not."
            )
    return [several[-1] for several in same.values()]


def _apart(number: int, setting: Setting) -> str:
    more = len(setting.unlike) - _LONGEST
    listing = "; ".join(setting.unlike[:_LONGEST]) + (f"; and {more} more" if more > 0 else "")
    return (
        f"{len(setting.runs)} of the runs were trained under other settings ({listing}): they are shown apart, as "
        f"setting {number}, and their numbers cannot be compared with those of setting 1."
    )


def _of_setting(setting: Setting) -> list[str]:
    warnings = []
    for discriminator in dict.fromkeys(arm.discriminator for arm in setting.arms):
        if Arm(discriminator, setting.baseline) not in setting.arms:
            warnings.append(f"No run of {setting.baseline} / {discriminator}: nothing there to compare others with.")
    for metric in setting.metrics:
        floors = [value for run in setting.runs if (value := run.real_photos.get(metric)) is not None]
        if floors and not math.isclose(min(floors), max(floors), rel_tol=1e-5, abs_tol=1e-9):
            warnings.append(
                f"Real photos get from {min(floors):.6g} to {max(floors):.6g} in {metric}, where they should get one "
                "number: these runs were measured by different segmenters, or on other photos."
            )
            break
    return warnings


def pooled(setting: Setting) -> Setting | None:
    """All discriminators taken as one, with a seed for each pair of discriminator and seed; None where there is one.

    Differences between encodings are then measured with as many pairs of runs as there are in all, and are those of the
    mean over discriminators.
    """
    discriminators = list(dict.fromkeys(arm.discriminator for arm in setting.arms))
    if len(discriminators) < 2:
        return None
    numbers = {
        pair: number for number, pair in enumerate(sorted({(run.discriminator, run.seed) for run in setting.runs}))
    }
    runs = (
        replace(run, discriminator=" + ".join(discriminators), seed=numbers[run.discriminator, run.seed])
        for run in setting.runs
    )
    return replace(setting, runs=tuple(runs), unit="pairs of runs")


def only(setting: Setting, discriminator: str) -> Setting:
    """The part of a setting with one discriminator."""
    return replace(setting, runs=tuple(run for run in setting.runs if run.discriminator == discriminator))
