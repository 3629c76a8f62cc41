"""One training run as a report sees it, wherever it was read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Run:
    """What is known of a training run.

    Attributes:
        origin: the run folder.
        choices: group of the configuration -> what was chosen of it: `encoding`, `discriminator`, `model`, ...
        seed: of the run.
        batches: trained on.
        finished: whether it trained all it was asked for.
        metrics: last value of every metric of validation, by name.
        real_photos: what real photos get, by the same names: the best that can be hoped for.
        untrained: what the generator got before its first step.
        costs: what of `COSTS` is known.
        settings: all that has to be equal in runs that are compared, flat: `data.height` -> 64.
        variant: settings of encoding and discriminator, flat; tells apart two of the same name.
        facts: what else is known: device, commit, ...
        ended: seconds since 1970 when it was last written to.
        curves: by name, (batch, value) of what was logged while it trained.
        checkpoint: the last one, if it is there.
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
        """The same run under other names of its choices."""
        return replace(self, choices={**self.choices, **names})


# Name of a cost -> how it is told, and what a value is divided by for that.
COSTS: dict[str, tuple[str, float]] = {
    "generator_parameters": ("G, M parameters", 1e6),
    "discriminator_parameters": ("D, M parameters", 1e6),
    "images_per_second": ("images/s", 1.0),
    "peak_memory_mib": ("memory, MiB", 1.0),
    "seconds": ("minutes", 60.0),
}


@dataclass(frozen=True)
class LeftOut:
    """A run that no number is taken from.

    Attributes:
        origin: where it lies.
        reason: why, and what can be done.
    """

    origin: str
    reason: str
