"""Names that tell runs apart, where two encodings or discriminators of one name have other settings."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from oasis.studies.run import Run


def with_distinct_names(runs: Sequence[Run]) -> list[Run]:
    """The runs, with the settings that differ behind a name that stands for several: `per_instance_masks slots=32`."""
    for part in ("encoding", "discriminator"):
        runs = _distinct(runs, part)
    return list(runs)


def _distinct(runs: Sequence[Run], part: str) -> list[Run]:
    variants: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in runs:
        variants[getattr(run, part)].append(_of(run, part))
    renamed = []
    for run in runs:
        name, own = getattr(run, part), _of(run, part)
        # A table of runs knows no such settings; nothing can be said of what it holds.
        others = [other for other in variants[name] if other and own and other != own]
        differing = sorted(
            {key for other in others for key in own.keys() | other.keys() if own.get(key) != other.get(key)}
        )
        suffix = "".join(f" {key.removeprefix(f'{part}.')}={own.get(key)}" for key in differing)
        renamed.append(replace(run, **{part: name + suffix}) if suffix else run)
    return renamed


def _of(run: Run, part: str) -> dict[str, Any]:
    return {name: value for name, value in run.variant.items() if name.startswith(f"{part}.")}
