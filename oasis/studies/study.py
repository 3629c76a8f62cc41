"""Runs sorted into comparable groups, arms and seeds."""

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from oasis.errors import ConfigurationError
from oasis.evaluation import Score
from oasis.metrics.names import describe, in_order, split_class
from oasis.studies.arms import Arm, arm_of, named_groups
from oasis.studies.differences import Difference
from oasis.studies.naming import with_distinct_names, without_settings_of_choices
from oasis.studies.run import LeftOut, Run
from oasis.studies.settings import differing
from oasis.studies.stages import require_new_seeds

_LONGEST = 6  # differences named by one sentence
_FACTORS = frozenset(
    f"segmenter/{q}q{of}" for q in "sr" for of in ("", "_things", "_stuff")
)  # the factors of PQ, which is shown itself


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ only in their named choices and seed, and may be compared.

    Attributes:
        runs: one for each arm and seed.
        baseline: the encoding that others are compared with.
        unlike: differences of its settings from those of the first group of a report; empty in the first.
    """

    runs: tuple[Run, ...]
    baseline: str
    unlike: tuple[str, ...] = ()

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The groups of the configuration that name the arms."""
        return named_groups(self.runs)

    @cached_property
    def arms(self) -> list[Arm]:
        """All arms, sorted by context, the baseline first."""
        found = {self.arm_of(run) for run in self.runs}
        return sorted(found, key=lambda arm: (arm.context, arm.encoding != self.baseline, arm.encoding))

    @cached_property
    def contexts(self) -> list[list[Arm]]:
        """The arms grouped by context: those of a group differ only in the encoding."""
        together: dict[object, list[Arm]] = defaultdict(list)
        for arm in self.arms:
            together[arm.context].append(arm)
        return list(together.values())

    def arm_of(self, run: Run) -> Arm:
        """The arm of a run."""
        return arm_of(run, self.choices)

    @cached_property
    def metrics(self) -> list[str]:
        """Metrics over all classes with a better direction, in the order of reports."""
        names = {name for run in self.runs for name in run.metrics}
        told = [name for name in names if describe(name).higher_is_better is not None and split_class(name)[1] is None]
        return in_order(sorted(name for name in told if name not in _FACTORS))

    def of(self, arm: Arm) -> list[Run]:
        """The runs of an arm, by seed."""
        return sorted((run for run in self.runs if self.arm_of(run) == arm), key=lambda run: run.seed)

    def by_seed(self, arm: Arm, metric: str) -> dict[int, float]:
        """Seed -> value, of the seeds with a number."""
        values = {run.seed: run.metrics.get(metric, math.nan) for run in self.of(arm)}
        return {seed: value for seed, value in values.items() if math.isfinite(value)}

    def score(self, arm: Arm, metric: str) -> Score | None:
        """Mean and spread over the seeds; None if there is no number."""
        values = self.by_seed(arm, metric)
        return Score(tuple(values.values())) if values else None

    def reference(self, known: Mapping[str, Mapping[str, float]], metric: str) -> Score | None:
        """The score of a reference over all runs, from origin -> metric -> value."""
        values = [values.get(metric, math.nan) for values in known.values()]
        finite = tuple(value for value in values if math.isfinite(value))
        return Score(finite) if finite else None

    def difference(self, arm: Arm, other: Arm, metric: str) -> Difference:
        """One arm minus another, seed by seed."""
        return Difference.between(self.by_seed(arm, metric), self.by_seed(other, metric))


@dataclass(frozen=True)
class Study:
    """The content of a report.

    Attributes:
        groups: runs that may be compared; runs of different groups may not. The largest group comes first.
        left_out: runs that are left out.
        warnings: caveats for the reader.
    """

    groups: tuple[RunGroup, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]


def assemble(
    runs: Sequence[Run], unreadable: Sequence[LeftOut] = (), baseline: str = "semantic", *, strict: bool = False
) -> Study:
    """Sort runs into groups; leave out those without metrics, unfinished ones, and older repetitions.

    Args:
        runs: all runs.
        unreadable: runs that could not be read.
        baseline: the encoding that others are compared with.
        strict: raise instead of warning: for several groups, runs left out, a repeated seed.

    Raises:
        ConfigurationError: no run with numbers is left; a seed of two stages of a plan; or with `strict`, the first
            warning.
    """
    require_new_seeds(runs)
    left_out = [*unreadable, *(LeftOut(run.origin, reason) for run in runs if (reason := _unfit(run)))]
    usable = without_settings_of_choices(with_distinct_names([run for run in runs if not _unfit(run)]))
    if not usable:
        listing = "\n  ".join(f"{one.origin}: {one.reason}" for one in left_out)
        raise ConfigurationError(f"No run is finished and has metrics:\n  {listing}")
    by_settings: dict[str, list[Run]] = defaultdict(list)
    for run in usable:
        by_settings[json.dumps(dict(run.settings), sort_keys=True, default=str)].append(run)
    warnings: list[str] = []
    groups: list[RunGroup] = []
    for alike in sorted(by_settings.values(), key=lambda alike: (-len(alike), alike[0].origin)):
        unlike = differing(groups[0].runs[0].settings, alike[0].settings) if groups else []
        groups.append(_newest_of_each(RunGroup(tuple(alike), baseline, tuple(unlike)), warnings))
    warnings += [_apart(number, group) for number, group in enumerate(groups[1:], 2)]
    for group in groups:
        warnings += _of_group(group)
    if strict and (warnings or left_out):
        first = warnings[0] if warnings else f"{left_out[0].origin}: {left_out[0].reason}"
        raise ConfigurationError(f"--strict: {first}")
    return Study(tuple(groups), tuple(left_out), tuple(dict.fromkeys(warnings)))


def _unfit(run: Run) -> str:
    """Why a run is left out; empty if it is not."""
    if not run.finished:
        return f"not finished, its log ends at batch {run.batches}. Start the same command again to resume it."
    if not run.metrics:
        return (
            "without metrics. Train with metrics=segmenter segmenter=unet, or measure its checkpoint: `oasis evaluate`."
        )
    return ""


def _newest_of_each(group: RunGroup, warnings: list[str]) -> RunGroup:
    """The group with one run for each arm and seed."""
    same: dict[tuple[Arm, int], list[Run]] = defaultdict(list)
    for run in sorted(group.runs, key=lambda run: (run.ended, run.origin)):
        same[group.arm_of(run), run.seed].append(run)
    for (arm, seed), several in same.items():
        *older, newest = several
        if older:
            others = ", ".join(run.origin for run in older)
            warnings.append(
                f"{arm} with seed {seed} was run {len(several)} times: {newest.origin} is the newest and counts, "
                f"{others} does not."
            )
    return replace(group, runs=tuple(several[-1] for several in same.values()))


def _apart(number: int, group: RunGroup) -> str:
    more = len(group.unlike) - _LONGEST
    listing = "; ".join(group.unlike[:_LONGEST]) + (f"; and {more} more" if more > 0 else "")
    return (
        f"{len(group.runs)} of the runs were trained under other settings ({listing}): they are shown apart, as run "
        f"group {number}, and their numbers cannot be compared with those of run group 1."
    )


def _of_group(group: RunGroup) -> list[str]:
    warnings = []
    for first, *_ in group.contexts:
        if first.encoding != group.baseline:
            warnings.append(f"No run of {first.choosing(encoding=group.baseline)}: no baseline to compare others with.")
    return [*warnings, *other_photos(group)]


def other_photos(group: RunGroup, relative: float = 1e-5, absolute: float = 1e-9) -> list[str]:
    """A warning if real photos have different scores in runs of a group; none if they are the same.

    Args:
        group: the runs.
        relative: difference of scores that are called the same, relative to them.
        absolute: the same, in their own unit.
    """
    for metric in group.metrics:
        photos = [value for run in group.runs if (value := run.real_photos.get(metric)) is not None]
        if photos and not math.isclose(min(photos), max(photos), rel_tol=relative, abs_tol=absolute):
            return [
                f"Real photos get from {min(photos):.6g} to {max(photos):.6g} in {metric}, where they should get one "
                "number: these runs were measured by different segmenters, or on other photos."
            ]
    return []


def pooled(group: RunGroup) -> RunGroup | None:
    """Runs averaged over discriminators and all other choices: one for each encoding and seed.

    Runs of one seed share first weights and the order of the data. They are no independent repetitions, whatever else
    they differ in: seeds are.

    Args:
        group: its runs; those of contexts without the baseline, and encodings and seeds that another of the contexts
            lacks, are left out.

    Returns:
        The group of the means; None if fewer than two contexts have the baseline and another encoding.
    """
    contexts = [arms for arms in group.contexts if len(arms) > 1 and arms[0].encoding == group.baseline]
    if len(contexts) < 2:
        return None
    joined = {
        part: " + ".join(dict.fromkeys(arms[0][part] for arms in contexts))
        for part in group.choices
        if part != "encoding"
    }
    alike: dict[tuple[str, int], list[Run]] = defaultdict(list)
    for run in (run for arms in contexts for arm in arms for run in group.of(arm)):
        alike[run.encoding, run.seed].append(run)
    whole = [several for several in alike.values() if len(several) == len(contexts)]
    return replace(group, runs=tuple(mean_of(several).choosing(**joined) for several in whole))


def mean_of(runs: Sequence[Run]) -> Run:
    """The first of these runs with the means of their metrics, those that all of them have."""
    names = set.intersection(*(set(run.metrics) for run in runs))
    return replace(
        runs[0], metrics={name: statistics.fmean(run.metrics[name] for run in runs) for name in sorted(names)}
    )
