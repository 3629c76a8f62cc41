"""Names of variants of one choice, and settings that follow from a choice."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from oasis.studies.run import Run

# Choice -> the settings that may follow from it.
_BRINGS = {
    "model": ("model.", "generator.", "objective.", "schedule.", "callbacks.ema."),
    "generator": ("generator.",),
    "objective": ("objective.",),
    "schedule": ("schedule.",),
}


def with_distinct_names(runs: Sequence[Run]) -> list[Run]:
    """The runs, with differing settings appended to ambiguous names: `per_instance_masks slots=32`."""
    for part in ("encoding", "discriminator"):
        runs = _distinct(runs, part)
    return list(runs)


def without_settings_of_choices(runs: Sequence[Run]) -> list[Run]:
    """The runs, without the settings that follow from a choice in which they differ.

    Two models have different settings, which must not prevent their comparison. Settings that most runs of a choice
    share count as part of it; a run with others keeps those.
    """
    for part, prefixes in _BRINGS.items():
        names = {run.choices[part] for run in runs if part in run.choices}
        runs = _without(runs, part, prefixes) if len(names) > 1 else runs
    return list(runs)


def _without(runs: Sequence[Run], part: str, prefixes: tuple[str, ...]) -> list[Run]:
    def brought(run: Run) -> dict[str, Any]:
        return {name: value for name, value in run.settings.items() if name.startswith(prefixes)}

    seen: dict[str | None, Counter[str]] = defaultdict(Counter)
    for run in runs:
        seen[run.choices.get(part)].update(map(repr, brought(run).items()))
    counts = Counter(run.choices.get(part) for run in runs)
    kept = []
    for run in runs:
        chosen = run.choices.get(part)
        usual = {item for item, count in seen[chosen].items() if 2 * count > counts[chosen]}
        own = {name for name, value in brought(run).items() if repr((name, value)) in usual}
        kept.append(replace(run, settings={name: value for name, value in run.settings.items() if name not in own}))
    return kept


def _distinct(runs: Sequence[Run], part: str) -> list[Run]:
    variants: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in runs:
        variants[run.choices[part]].append(_of(run, part))
    renamed = []
    for run in runs:
        name, own = run.choices[part], _of(run, part)
        # A table of runs has no such settings, so they are unknown.
        others = [other for other in variants[name] if other and own and other != own]
        differing = sorted(
            {key for other in others for key in own.keys() | other.keys() if own.get(key) != other.get(key)}
        )
        suffix = "".join(f" {key.removeprefix(f'{part}.')}={own.get(key)}" for key in differing)
        renamed.append(run.choosing(**{part: name + suffix}) if suffix else run)
    return renamed


def _of(run: Run, part: str) -> dict[str, Any]:
    return {name: value for name, value in run.variant.items() if name.startswith(f"{part}.")}
