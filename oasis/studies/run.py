"""One training run of a report."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        origin: the run folder.
        choices: group of the configuration -> chosen option: `encoding`, `discriminator`, `model`, ...
        seed: of the run.
        batches: trained on.
        finished: whether it trained all requested batches.
        metrics: last value of every validation metric, by name.
        real_photos: the real-photo reference, by the same names.
        untrained: the untrained baseline: the generator before its first step.
        costs: the known ones of `COSTS`.
        settings: those that must be equal in compared runs, flat: `data.height` -> 64.
        variant: settings of encoding and discriminator, flat; distinguishes two of the same name.
        facts: further details: device, commit, ...
        protocols: metric -> how it was measured, as far as it is known.
        ended: Unix time of its last change.
        curves: name -> (batch, value) of logged values.
        checkpoint: the last one, if it exists.
    """

    origin: str
    choices: Mapping[str, str]
    seed: int
    batches: int
    finished: bool
    metrics: Mapping[str, float]
    real_photos: Mapping[str, float] = field(default_factory=dict)
    untrained: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    protocols: Mapping[str, str] = field(default_factory=dict)
    ended: float = 0.0
    curves: Mapping[str, Curve] = field(default_factory=dict)
    checkpoint: Path | None = None

    @property
    def encoding(self) -> str:
        """The name of its encoding."""
        return self.choices["encoding"]

    @property
    def discriminator(self) -> str:
        """The name of its discriminator."""
        return self.choices["discriminator"]

    def choosing(self, **names: str) -> "Run":
        """The same run with other names of its choices."""
        return replace(self, choices={**self.choices, **names})


# Name of a cost -> its heading, and the divisor of its values.
COSTS: dict[str, tuple[str, float]] = {
    "generator_parameters": ("G, M parameters", 1e6),
    "discriminator_parameters": ("D, M parameters", 1e6),
    "images_per_second": ("images/s", 1.0),
    "peak_memory_mib": ("memory, MiB", 1.0),
    "seconds": ("minutes", 60.0),
}


@dataclass(frozen=True)
class LeftOut:
    """A run that is left out of a report.

    Attributes:
        origin: its path.
        reason: the reason, with advice.
    """

    origin: str
    reason: str
