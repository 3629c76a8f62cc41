"""The plan of the experiment, as conf/ has it, and what is left to train.

    python -m experiments.panoptic_networks.plan pilot --results experiments/panoptic_networks/results

prints one sweep a line, `experiment=ARM,... seed=N`, without the runs that are in the stage's table already.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from oasis.errors import ConfigurationError
from oasis.studies import Run, RunGroup, assemble, read_runs_table
from oasis.studies.runs_table import VARIANT
from oasis.studies.stages import PLAN, STAGE
from oasis.studies.study import other_photos

NAME = "panoptic_networks"
PILOT, CONFIRMATION = "pilot", "confirmation"
BASELINE = f"{NAME}/semantic"
PRIMARY = "segmenter/touching_recall"
PHOTOS = 1800  # that a run sees
RESULTS = Path(__file__).parent / "results"
RUNS = "runs.csv"
_CONF = Path(__file__).parents[2] / "conf" / "experiment"


def planned_arms() -> list[str]:
    """Names of all arms: `panoptic_networks/semantic`, ..."""
    return sorted(f"{NAME}/{path.stem}" for path in (_CONF / NAME).glob("*.yaml"))


def planned_seeds(stage: str) -> list[int]:
    """The seeds of a stage.

    Raises:
        ConfigurationError: no such stage, or its number of seeds is not known yet.
    """
    path = _CONF / f"{NAME}.yaml"
    stages: Mapping[str, Sequence[int]] = OmegaConf.to_container(OmegaConf.load(path).preregistration.stages)
    if stage not in stages:
        raise ConfigurationError(f"{stage}: no such stage; there are: {', '.join(stages)}.")
    if not stages[stage]:
        raise ConfigurationError(
            f"{path}: the stage {stage} has no seeds yet. Run the stage {PILOT}, and write as many into "
            "preregistration.stages and into the README as experiments.panoptic_networks.power then tells."
        )
    return list(stages[stage])


def table_of_stage(results: Path, stage: str) -> Path:
    """Where the runs of a stage are kept: those of the confirmation in the folder itself."""
    return results / RUNS if stage == CONFIRMATION else results / stage / RUNS


def arm_of(run: Run) -> str:
    """The arm that a run recorded; empty if it is of no plan."""
    return run.facts.get("arm", "")


def scores(group: RunGroup, arm: str, metric: str) -> dict[int, float]:
    """Seed -> score of the runs of an arm."""
    runs = sorted((run for run in group.runs if arm_of(run) == arm), key=lambda run: run.seed)
    return {run.seed: run.metrics[metric] for run in runs if metric in run.metrics}


def runs_of_stage(path: Path, stage: str) -> RunGroup:
    """The runs in a table, see `require_stage`.

    Raises:
        ConfigurationError: also if they have not seen as many photos as planned.
    """
    group = require_stage(read_runs_table(path), stage, path)
    settings = group.runs[0].settings  # of all: a group
    if (seen := settings["batches"] * settings["data.batch_size"]) != PHOTOS:
        raise ConfigurationError(
            f"{path}: runs of {seen} photos, where the plan has {PHOTOS}: they are of no use here."
        )
    return group


def require_stage(runs: Sequence[Run], stage: str, path: Path) -> RunGroup:
    """Runs that are all of one stage of this plan, and can be compared.

    Args:
        runs: as read from a table.
        stage: of all of them.
        path: the table, for errors.

    Raises:
        ConfigurationError: runs of another plan or stage, of another budget or other settings, measured by another
            segmenter or in another way, or twice the same arm and seed.
    """
    for run in runs:
        theirs = (run.settings.get(PLAN), run.settings.get(STAGE))
        if theirs != (NAME, stage) or not arm_of(run):
            raise ConfigurationError(
                f"{path}: {run.origin} is of plan {theirs[0]}, stage {theirs[1]}, not of {NAME}, {stage}. Keep the "
                "runs of each stage in a table of their own."
            )
    for (arm, seed), count in Counter((arm_of(run), run.seed) for run in runs).items():
        if count > 1:
            raise ConfigurationError(f"{path}: {arm} with seed {seed} is there {count} times. Keep its first run.")
    study = assemble(runs)
    (group, *others) = study.groups
    if others:
        strangers = ", ".join(run.origin for run in others[0].runs)
        raise ConfigurationError(
            f"{path}: {strangers}: trained under other settings than the rest ({'; '.join(others[0].unlike)}). All "
            "arms must have seen as many photos, with the same data. Train these runs again as the others were."
        )
    # Another processor rounds differently, which can cost photos an instance, of hundreds: that is still one segmenter.
    if told := [
        *other_photos(group, relative=0.02, absolute=1e-4),
        *_other_protocols(group),
        *_other_variants(group),
        *(f"{one.origin}: {one.reason}" for one in study.left_out),
    ]:
        raise ConfigurationError(f"{path}: {told[0]}")
    return group


def require_one_machine_a_seed(runs: Iterable[Run], path: Path) -> None:
    """Arms are compared within a seed: another processor or another version of the code would be compared, too.

    Args:
        runs: of one stage.
        path: their table, for errors.

    Raises:
        ConfigurationError: a seed whose arms were trained on different machines or by different code.
    """
    places: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for run in runs:
        places[run.seed].add((run.facts.get("device", ""), run.facts.get("commit", "")))
    for seed, ran in sorted(places.items()):
        if len(ran) > 1:
            listing = "; ".join(f"{device}, commit {commit[:7]}" for device, commit in sorted(ran))
            raise ConfigurationError(
                f"{path}: the arms of seed {seed} were not all trained on one machine by one version of the code "
                f"({listing}). Remove the rows of that seed, move the folders seed_{seed} of all arms away, and train "
                "it again with run.sh."
            )


def _other_protocols(group: RunGroup) -> list[str]:
    """What is told if a metric was not measured in one way, or if that is not known of all runs."""
    for metric in group.metrics:
        lines = {run.protocols.get(metric, "not known") for run in group.runs}
        if len(lines) > 1:
            return [f"{metric} was measured in {len(lines)} ways: {'; '.join(sorted(lines))}"]
    return []


def _other_variants(group: RunGroup) -> list[str]:
    """What is told if the encoding or discriminator of an arm has other settings in some runs, as far as known."""
    known: dict[str, dict[str, str]] = defaultdict(dict)
    for run in group.runs:
        if VARIANT in run.facts:
            known[arm_of(run)].setdefault(run.facts[VARIANT], run.origin)
    several = [(arm, origins) for arm, origins in known.items() if len(origins) > 1]
    return [
        f"{arm}: encoding and discriminator have other settings in {' than in '.join(origins.values())}"
        for arm, origins in several
    ]


def left_to_train(done: Iterable[Run], arms: Sequence[str], seeds: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Seed -> the arms that have not been trained with it yet.

    A seed's arms are a sweep of their own, so that an interruption leaves whole seeds behind.
    """
    known = {(arm_of(run), run.seed) for run in done}
    missing = {seed: tuple(arm for arm in arms if (arm, seed) not in known) for seed in seeds}
    return {seed: left for seed, left in missing.items() if left}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the stages' tables")
    parser.add_argument("--arms", nargs="*", default=[], help="some of the arms, such as semantic")
    parser.add_argument("--seeds", nargs="*", type=int, default=[], help="some of the stage's seeds")
    options = parser.parse_args(arguments)
    arms, seeds = planned_arms(), planned_seeds(options.stage)
    chosen = [f"{NAME}/{arm}" for arm in options.arms] or arms
    if unknown := [*(set(chosen) - set(arms)), *(set(options.seeds) - set(seeds))]:
        raise SystemExit(f"{unknown[0]}: not of the plan; arms: {', '.join(arms)}; seeds of {options.stage}: {seeds}")
    table = table_of_stage(options.results, options.stage)
    done = runs_of_stage(table, options.stage).runs if table.is_file() else ()
    for seed, missing in left_to_train(done, chosen, options.seeds or seeds).items():
        print(f"experiment={','.join(missing)} seed={seed}")


if __name__ == "__main__":
    main()
