"""Adds finished runs to the table of their stage.

    python -m experiments.panoptic_networks.collect runs/panoptic_networks pilot

The table is the union of what it held and of what is new, so that a stage can be trained in several sessions and on
several machines. No arm has a seed twice: the run that is there counts, and another one with other scores is refused.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.panoptic_networks.plan import (
    CONFIRMATION,
    NAME,
    RESULTS,
    arm_of,
    left_to_train,
    planned_arms,
    require_one_machine_a_seed,
    require_stage,
    table_of_stage,
)
from oasis.errors import ConfigurationError
from oasis.files import replacing
from oasis.studies import Run, find_runs, read_runs_table, write_runs_table
from oasis.studies.stages import PLAN, STAGE


def union(earlier: Iterable[Run], new: Iterable[Run]) -> list[Run]:
    """All runs, each arm and seed once, called by them.

    Args:
        earlier: those of the table.
        new: finished ones.

    Raises:
        ConfigurationError: an arm and seed with two different scores.
    """
    known: dict[tuple[str, int], Run] = {}
    for run in (*earlier, *new):
        first = known.setdefault((arm_of(run), run.seed), run)
        if dict(first.metrics) != dict(run.metrics):
            raise ConfigurationError(
                f"{arm_of(run)} with seed {run.seed} was trained twice, with different scores: {first.origin} and "
                f"{run.origin}. The first one counts: move the folder of the second away."
            )
    return [replace(run, origin=f"{arm}/seed_{seed}") for (arm, seed), run in known.items()]


def collect(folders: Sequence[Path], stage: str, table: Path, arms: Sequence[str]) -> int:
    """Write the table anew, with the finished runs of a stage in these folders.

    A seed is added when all its arms are there: another machine trains the seeds that the table lacks.

    Args:
        folders: with runs, at any depth.
        stage: whose runs are meant.
        table: the table of the stage; created if missing.
        arms: all that a seed must have.

    Returns:
        The number of runs in it.

    Raises:
        ConfigurationError: no seed is complete; see `union`, `require_stage` and `require_one_machine_a_seed`. The
            table is then as it was.
    """
    search = find_runs(folders)
    for one in search.unreadable:
        print(f"Left out: {one.origin}: {one.reason}")
    found = [run for run in search.runs if run.settings.get(PLAN) == NAME and run.metrics]
    new = [run for run in found if run.settings[STAGE] == stage and run.finished]
    runs = union(read_runs_table(table) if table.is_file() else (), new)
    left = left_to_train(runs, arms, sorted({run.seed for run in runs}))
    for seed, missing in left.items():
        print(f"Seed {seed} waits for {', '.join(missing)}")
    runs = [run for run in runs if run.seed not in left]
    if not runs:
        raise ConfigurationError(f"{folders[0]}: no seed of the stage {stage} has all arms. Train some with run.sh.")
    if stage == CONFIRMATION:
        require_one_machine_a_seed(runs, table)
    with replacing(table) as unfinished:
        write_runs_table(runs, unfinished)
        written = read_runs_table(unfinished)
        require_stage([replace(run, origin=run.origin.split(" in ")[0]) for run in written], stage, table)
    return len(runs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders with runs, or tables from other machines")
    parser.add_argument("stage")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the stages' tables")
    options = parser.parse_args(arguments)
    table = table_of_stage(options.results, options.stage)
    print(f"Written: {table}, {collect(options.folders, options.stage, table, planned_arms())} runs")


if __name__ == "__main__":
    main()
