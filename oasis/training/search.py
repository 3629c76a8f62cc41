"""Hyperparameter search."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from oasis.errors import ConfigurationError
from oasis.files import write_json
from oasis.metrics import higher_is_better

_RESULTS = "search.json"
_BOUNDS = {"low", "high", "log", "step"}
_EXTRA = (
    "hparams_search=optuna needs Optuna, which is in an extra: pip install 'panoptic-oasis[search]', "
    "here -e '.[search]'."
)


@dataclass(frozen=True)
class Trial:
    """One run of a search.

    Attributes:
        number: 0, 1, ...
        settings: dotted name -> value.
        value: of the objective; None before it has run, or if it failed.
    """

    number: int
    settings: Mapping[str, Any]
    value: float | None = None

    @property
    def folder(self) -> str:
        """A name that depends only on the trial's number and settings."""
        text = json.dumps(dict(self.settings), sort_keys=True)
        return f"trial_{self.number:03d}_{hashlib.sha256(text.encode()).hexdigest()[:6]}"

    @property
    def overrides(self) -> list[str]:
        """The settings as command-line overrides."""
        return [f"{name}={_written(value)}" for name, value in self.settings.items()]


@dataclass(frozen=True)
class Search:
    """Search for settings that maximise, or minimise, a score, by Optuna's tree-structured Parzen estimator.

    Everything is seeded: the same search, started again, proposes the same settings in the same order. So it needs no
    database: finished trials are skipped, and their values are read from their summaries.

    Attributes:
        objective: a metric of `summary.json`, such as `segmenter/pq`.
        space: dotted name of a setting -> `{low, high}`, also with `log` or `step` (whole numbers if both ends are),
            or `{choices}`.
        trials: number of trials.
        at_a_time: number of trials proposed at once.
        seed: of the proposals.
        maximize: whether higher is better; None = by the metric's own direction.

    Raises:
        ConfigurationError: an empty or invalid space; counts below 1; an unknown metric without `maximize`.
    """

    objective: str
    space: Mapping[str, Mapping[str, Any]]
    trials: int = 20
    at_a_time: int = 1
    seed: int = 0
    maximize: bool | None = None

    def __post_init__(self) -> None:
        if self.trials < 1 or self.at_a_time < 1:
            raise ConfigurationError(
                f"hydra.sweeper.trials={self.trials} at_a_time={self.at_a_time}: both must be 1 or more."
            )
        if not isinstance(self.space, Mapping) or not self.space:
            raise ConfigurationError(
                f"hydra.sweeper.space={self.space}: name at least one setting and its bounds, such as "
                "{data.batch_size: {low: 1, high: 8}}."
            )
        for name, bounds in self.space.items():
            _require_bounds(name, bounds)
        if self.maximize is None and higher_is_better(self.objective) is None:
            raise ConfigurationError(
                f"hydra.sweeper.objective={self.objective}: it is not known which direction is better; set "
                "hydra.sweeper.maximize=true or false."
            )

    def run(self, launch: Callable[[Sequence[Trial]], Sequence[float | None]]) -> list[Trial]:
        """Run all trials.

        Args:
            launch: runs some trials; returns the objective of each, None if it failed.

        Returns:
            All trials with their values.

        Raises:
            ConfigurationError: Optuna is not installed.
        """
        try:
            import optuna
        except ImportError as error:
            raise ConfigurationError(_EXTRA) from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=self.seed),
            direction="maximize" if self.higher_is_better else "minimize",
        )
        space = {name: _distribution(optuna, bounds) for name, bounds in self.space.items()}
        done: list[Trial] = []
        while len(done) < self.trials:
            asked = [study.ask(space) for _ in range(min(self.at_a_time, self.trials - len(done)))]
            proposed = [Trial(one.number, dict(one.params)) for one in asked]
            for one, trial, value in zip(asked, proposed, launch(proposed), strict=True):
                good = value is not None and math.isfinite(value)
                study.tell(one, value if good else None, None if good else optuna.trial.TrialState.FAIL)
                done.append(Trial(trial.number, trial.settings, value if good else None))
        return done

    @property
    def higher_is_better(self) -> bool:
        """Whether the objective is maximised."""
        return bool(higher_is_better(self.objective)) if self.maximize is None else self.maximize

    def best(self, trials: Sequence[Trial]) -> Trial | None:
        """The best of some trials; None if all failed."""
        known = [trial for trial in trials if trial.value is not None]
        return max(known, key=lambda trial: (trial.value or 0.0) * (1 if self.higher_is_better else -1), default=None)

    def write(self, folder: Path, trials: Sequence[Trial]) -> Path:
        """Write all trials and the best one to `search.json`.

        Args:
            folder: of the search.
            trials: with their values.

        Returns:
            The file.
        """
        best = self.best(trials)
        content = {
            "version": 1,
            "objective": self.objective,
            "maximize": self.higher_is_better,
            "best": None if best is None else best.folder,
            "trials": [{"folder": trial.folder, **asdict(trial)} for trial in trials],
        }
        write_json(folder / _RESULTS, content)
        return folder / _RESULTS


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


def _require_bounds(name: str, bounds: object) -> None:
    told = f"hydra.sweeper.space.{name}={bounds}"
    wanted = "it must be {low, high}, with log or step, or {choices}"
    if not isinstance(bounds, Mapping):
        raise ConfigurationError(f"{told}: {wanted}.")
    if set(bounds) == {"choices"}:
        if not isinstance(bounds["choices"], list | tuple) or not bounds["choices"]:
            raise ConfigurationError(f"{told}: choices must be a list of at least one value.")
        return
    if not {"low", "high"} <= set(bounds) <= _BOUNDS or (bounds.get("log") and bounds.get("step")):
        raise ConfigurationError(f"{told}: {wanted}.")
    step = bounds.get("step") or 1
    if not all(isinstance(number, int | float) for number in (bounds["low"], bounds["high"], step)) or step <= 0:
        raise ConfigurationError(f"{told}: low, high and step must be numbers, step above 0.")
    if not bounds["low"] < bounds["high"] or (bounds.get("log") and bounds["low"] <= 0):
        raise ConfigurationError(f"{told}: low must be below high, and above 0 for a log scale.")


def _distribution(optuna: Any, bounds: Mapping[str, Any]) -> Any:
    if "choices" in bounds:
        return optuna.distributions.CategoricalDistribution(list(bounds["choices"]))
    low, high, log, step = bounds["low"], bounds["high"], bool(bounds.get("log")), bounds.get("step")
    if all(isinstance(value, int) for value in (low, high, step or 1)):
        return optuna.distributions.IntDistribution(low, high, log=log, step=step or 1)
    return optuna.distributions.FloatDistribution(low, high, log=log, step=step)
