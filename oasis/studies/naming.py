"""Names of variants of one choice, and settings that follow from a choice."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from oasis.studies.run import Run

BROUGHT = ("model.", "generator.", "objective.", "schedule.", "callbacks.ema.")  # settings that a choice may bring
# Choice -> the settings that may follow from it.
_BRINGS = {
    "model": BROUGHT,
    "generator": ("generator.",),
    "objective": ("objective.",),
    "schedule": ("schedule.",),
}

# Part -> settings and groups below it that its name mentions unless they are as published: `oasis panoptic=aware`.
_MENTIONED = {
    "discriminator": {"backbone": "convnext_tiny"},
    "generator": {"panoptic": "plain", "condition_resize": "nearest"},
    "objective": {"label_mix": "class", "weights_from": "label"},
}


def with_options_in_names(run: Run) -> Run:
    """The run, with some options of its parts in their names instead of its settings.

    Names and settings of runs from before an option are those of runs with what was published. Where the option was
    chosen from a group that the run has not recorded, its settings are all that is known of it, and stay.
    """
    choices = {part: name for part, name in run.choices.items() if "/" not in part}
    settings = dict(run.settings)
    for part, options in _MENTIONED.items():
        for option, published in options.items() if part in choices else ():
            setting = f"{part}.{option}"
            chosen = run.choices.get(f"{part}/{option}", settings.get(setting))
            if chosen is None:
                continue
            if str(chosen) != published:
                choices[part] += f" {option}={chosen}"
            settings = {name: value for name, value in settings.items() if not f"{name}.".startswith(f"{setting}.")}
    return replace(run, choices=choices, settings=settings)


def without_options(name: str) -> str:
    """The name of a choice alone: `oasis` of `oasis panoptic=aware`."""
    return name.split(" ", 1)[0]


def with_distinct_names(runs: Sequence[Run]) -> list[Run]:
    """The runs, with differing settings appended to ambiguous names: `per_instance_masks slots=32`."""
    for part in ("encoding", "discriminator"):
        runs = _distinct(runs, part)
    return list(runs)


def without_settings_of_choices(runs: Sequence[Run]) -> list[Run]:
    """The runs, without the settings that follow from a choice in which they differ.

    Two models have different settings, which must not prevent their comparison. Settings that most runs of a choice
    share count as part of it; a run with others keeps those. Options in a name bring nothing else.
    """
    for part, prefixes in _BRINGS.items():
        names = {without_options(run.choices[part]) for run in runs if part in run.choices}
        runs = _without(runs, part, prefixes) if len(names) > 1 else runs
    return list(runs)


def _without(runs: Sequence[Run], part: str, prefixes: tuple[str, ...]) -> list[Run]:
    def brought(run: Run) -> dict[str, Any]:
        return {name: value for name, value in run.settings.items() if name.startswith(prefixes)}

    names = [without_options(run.choices.get(part, "")) for run in runs]
    counts = Counter(names)
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for run, chosen in zip(runs, names, strict=True):
        seen[chosen].update(map(repr, brought(run).items()))
    kept = []
    for run, chosen in zip(runs, names, strict=True):
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
