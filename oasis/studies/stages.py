"""Stages of preregistered experiments: no seed may be of two."""

from collections.abc import Iterable, Mapping
from typing import Any

from oasis.errors import ConfigurationError
from oasis.studies.run import Run

PLAN, STAGE = "preregistration.name", "preregistration.stage"  # names of settings: runs of others are shown apart


def settings_of_plan(record: Mapping[str, Any] | None) -> dict[str, str]:
    """The plan and the stage of a run as settings; empty if it belongs to none.

    Args:
        record: `preregistration` of its summary.
    """
    return {PLAN: str(record["name"]), STAGE: str(record["stage"])} if record else {}


def require_new_seeds(runs: Iterable[Run]) -> None:
    """Refuse a seed that two stages of one plan have used.

    Args:
        runs: all runs; those without a plan are ignored.

    Raises:
        ConfigurationError: the message names the seed, the stages and a run of each.
    """
    first: dict[tuple[str, int], Run] = {}
    for run in runs:
        if PLAN not in run.settings:
            continue
        earlier = first.setdefault((run.settings[PLAN], run.seed), run)
        if earlier.settings[STAGE] != run.settings[STAGE]:
            raise ConfigurationError(
                f"Seed {run.seed} of the plan {run.settings[PLAN]} is of two stages: {earlier.settings[STAGE]} "
                f"({earlier.origin}) and {run.settings[STAGE]} ({run.origin}). What one stage has seen, the other "
                "cannot confirm: leave the runs of one of them out, and train them again with seeds that are new."
            )
