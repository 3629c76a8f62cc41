"""Makes results/table.md from results/runs.csv: `python -m experiments.panoptic_networks.analysis`.

It does what the README announced before the runs, once all of them are there, and nothing else.
"""

import argparse
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from experiments.panoptic_networks.plan import (
    BASELINE,
    CONFIRMATION,
    PILOT,
    PRIMARY,
    RESULTS,
    arm_of,
    planned_arms,
    planned_seeds,
    require_one_machine_a_seed,
    runs_of_stage,
    scores,
    table_of_stage,
)
from experiments.panoptic_networks.supplement import DISTANCE, supplement
from oasis.errors import ConfigurationError
from oasis.evaluation import Score
from oasis.metrics.names import describe
from oasis.report import Cell, Table, cells
from oasis.report.markdown import table_as_markdown
from oasis.report.numbers import NOT_AVAILABLE, score_cell
from oasis.studies import RunGroup, read_runs_table
from oasis.studies.differences import Difference, holm
from oasis.studies.stages import require_new_seeds
from oasis.studies.tables import difference_text

TABLE = "table.md"
SECONDARY = ("segmenter/pq_things", "segmenter/ap", "instances/color", DISTANCE, "segmenter/miou")
LEVEL, TIMES = 0.01, 2.0  # what counts as success


def table_of(runs: Path, arms: Sequence[str], seeds: Sequence[int]) -> str:
    """What table.md has to say of the runs of the confirmation.

    Args:
        runs: their table; a table of the pilot beside it, in `pilot/`, must have other seeds.
        arms: all planned ones, `semantic` among them.
        seeds: all planned ones.

    Raises:
        ConfigurationError: see `require_stage`; runs that are missing or not planned; seeds of the pilot; a seed whose
            arms were trained on different machines or by different code.
    """
    group = runs_of_stage(runs, CONFIRMATION)
    pilot = table_of_stage(runs.parent, PILOT)
    require_new_seeds([*(read_runs_table(pilot) if pilot.is_file() else ()), *group.runs])
    _require_all(group, arms, seeds, runs)
    require_one_machine_a_seed(group.runs, runs)
    metrics = (PRIMARY, *(name for name in SECONDARY if name in group.metrics))
    return "\n".join(_lines(group, arms, seeds, metrics))


def _require_all(group: RunGroup, arms: Sequence[str], seeds: Sequence[int], path: Path) -> None:
    """Every arm with every seed and a score: a test of a part of the runs is not the planned one."""
    planned = {(arm, seed) for arm in arms for seed in seeds}
    trained = {arm_of(run) for run in group.runs}
    found = {
        (arm, seed)
        for arm in trained
        for seed in _finite(scores(group, arm, PRIMARY)) & _finite(scores(group, arm, DISTANCE))
    }
    for told, wrong in (("missing", planned - found), ("not planned", found - planned)):
        if wrong:
            listing = ", ".join(f"{arm} with seed {seed}" for arm, seed in sorted(wrong)[:8])
            raise ConfigurationError(
                f"{path}: {len(wrong)} of {len(planned)} runs are {told}: {listing}. The analysis is of all planned "
                "runs and no others: train what is missing with run.sh."
            )


def _finite(scores: Mapping[int, float]) -> set[int]:
    """The seeds with a number."""
    return {seed for seed, score in scores.items() if math.isfinite(score)}


def _lines(group: RunGroup, arms: Sequence[str], seeds: Sequence[int], metrics: Sequence[str]) -> Iterator[str]:
    settings, others = group.runs[0].settings, [arm for arm in arms if arm != BASELINE]
    photos = settings["batches"] * settings["data.batch_size"]
    yield from ("<!-- Made from runs.csv by analysis.py; do not edit. -->", "")
    yield f"{len(arms)} arms, {len(seeds)} seeds, {photos} photos a run. Mean ± standard deviation over seeds."
    yield from ("", table_as_markdown(_scores(group, arms, metrics)), "")
    yield from (f"## Primary outcome: {describe(PRIMARY).heading}, minus `semantic`", "")
    yield from (_explained(len(others)), "", table_as_markdown(_tests(group, others)), "")
    yield from ("## All outcomes, minus `semantic`", "")
    yield "Paired by seed, with 95 % intervals (Student's t). Only the first column was tested; the others are not"
    yield from ("corrected for their number.", "", table_as_markdown(_differences(group, others, metrics)), "")
    yield from supplement(group, others)


def _explained(count: int) -> str:
    return (
        f"p values of the paired t test and of the exact sign-flip test, each corrected for {count} arms (Holm). "
        f"An arm succeeds with a corrected p of the t test below {LEVEL:g}, at least {TIMES:g} times the mean of "
        f"`semantic`, and a {describe(DISTANCE).title} distance that is not worse: its interval below does not lie "
        "above 0."
    )


def _scores(group: RunGroup, arms: Sequence[str], metrics: Sequence[str]) -> Table:
    rows = [
        (*cells(_short(arm)), *(_score(tuple(scores(group, arm, name).values()), name) for name in metrics))
        for arm in arms
    ]
    photos = [_score(tuple(run.real_photos.get(name) for run in group.runs[:1]), name) for name in metrics]
    return Table(cells("arm", *(describe(name).heading for name in metrics)), (*rows, (*cells("real photos"), *photos)))


def _score(values: tuple[float | None, ...], name: str) -> Cell:
    known = Score(tuple(value for value in values if value is not None))
    return score_cell(describe(name), known.mean, known.spread) if known.values else Cell(NOT_AVAILABLE)


def _tests(group: RunGroup, arms: Sequence[str]) -> Table:
    baseline = statistics.fmean(scores(group, BASELINE, PRIMARY).values())
    found = [_difference(group, arm, PRIMARY) for arm in arms]
    corrected = holm([one.t_p_value for one in found])
    flipped = holm([one.p_value for one in found])
    rows = []
    for arm, one, p_value, flip in zip(arms, found, corrected, flipped, strict=True):
        mean = statistics.fmean(scores(group, arm, PRIMARY).values())
        not_worse = _difference(group, arm, DISTANCE).interval[0] <= 0
        success = p_value < LEVEL and mean >= TIMES * baseline and one.mean > 0 and not_worse
        rows.append(
            (
                *cells(_short(arm), one.pairs),
                Cell(difference_text(one, describe(PRIMARY)), strong=p_value < LEVEL),
                *cells(f"{one.t_p_value:.2g}", f"{p_value:.2g}", f"{one.p_value:.2g}", f"{flip:.2g}"),
                *cells(f"{mean / baseline:.2f}" if baseline else NOT_AVAILABLE, "yes" if not_worse else "no"),
                Cell("yes" if success else "no", strong=success),
            )
        )
    heads = cells("arm", "n", "difference", "p (t)", "corrected", "p (sign flips)", "corrected", "times", "not worse",
                  "success")  # fmt: skip
    return Table(heads, tuple(rows))


def _differences(group: RunGroup, arms: Sequence[str], metrics: Sequence[str]) -> Table:
    rows = []
    for arm in arms:
        found = {name: _difference(group, arm, name) for name in metrics}
        shown = (Cell(difference_text(one, describe(name)), strong=one.significant) for name, one in found.items())
        rows.append((*cells(_short(arm)), *shown))
    return Table(cells("arm", *(describe(name).heading for name in metrics)), tuple(rows))


def _difference(group: RunGroup, arm: str, metric: str) -> Difference:
    return Difference.between(scores(group, arm, metric), scores(group, BASELINE, metric))


def _short(arm: str) -> str:
    return arm.split("/")[-1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of runs.csv, and of table.md")
    options = parser.parse_args(arguments)
    text = table_of(table_of_stage(options.results, CONFIRMATION), planned_arms(), planned_seeds(CONFIRMATION))
    (options.results / TABLE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
