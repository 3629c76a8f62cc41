"""Do instances look different, and do draws? Generates pictures with the study's runs, three times.

    python -m experiments.panoptic_encodings.variety runs/study --output runs/study_variety

Measures `instances/color` and `diversity/ms_ssim` of every run under a folder, on its own validation streets, and
writes them to runs.csv as a table of runs, for make_table and `oasis report`. What was measured is kept, a JSON a run
beside the table: after an interruption, start it again.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from oasis.checkpoint.own_data import own_data
from oasis.errors import ConfigurationError
from oasis.evaluation import Column, Comparison, Evaluation, open_models, read_json
from oasis.metrics import split_class
from oasis.scoring import MetricNetworks
from oasis.studies import Run, assemble, find_runs, write_runs_table

NOISE_SEEDS = (0, 1, 2)
DIVERSITY_IMAGES = 25


def measured(run: Run, results: Path) -> Comparison:
    """What a run generates, measured, or read from an earlier measurement.

    Args:
        run: with a checkpoint.
        results: the JSON to read or to write.

    Raises:
        ConfigurationError: the run has no checkpoint.
    """
    if results.is_file():
        return read_json(results)
    if run.checkpoint is None:
        raise ConfigurationError(f"{run.origin}: no checkpoint to generate with. Train it again.")
    evaluation = Evaluation(
        MetricNetworks([]), torch.device("cpu"), NOISE_SEEDS, diversity_images=DIVERSITY_IMAGES, progress=False
    )
    comparison = evaluation.run(open_models([run.checkpoint], own_data))
    results.parent.mkdir(parents=True, exist_ok=True)
    comparison.write_json(results)
    return comparison


def with_variety(run: Run, comparison: Comparison) -> Run:
    """The run with these scores in place of its own: means over the noise seeds."""
    (generated,), (photos, *_) = comparison.columns, comparison.references
    return replace(run, metrics=_means(generated), real_photos=_means(photos), untrained={}, costs={})


def _means(column: Column) -> Mapping[str, float]:
    return {name: score.mean for name, score in column.scores.items() if split_class(name)[1] is None}


def result_file(run: Run, places: Sequence[Path], output: Path) -> Path:
    """The JSON of a run: called like its folder below the place where it was found, so that no two runs share one.

    Args:
        run: to measure.
        places: folders of runs; if there are several, their names are part of it.
        output: folder of the JSONs.
    """
    folder = Path(run.origin)
    place = next((place.resolve() for place in places if folder.is_relative_to(place.resolve())), folder.parent)
    below = folder.relative_to(place if len(places) == 1 else place.parent)
    below = below if below.parts else Path(folder.name)
    return output / below.with_name(f"{below.name}.json")


def measure_all(runs: Iterable[Run], places: Sequence[Path], output: Path) -> list[Run]:
    """All runs, with a line for each.

    Raises:
        ConfigurationError: two runs have folders of the same name, or one has no checkpoint.
    """
    files: dict[Path, str] = {}
    done = []
    for run in runs:
        file = result_file(run, places, output)
        if file in files:
            raise ConfigurationError(f"{files[file]}, {run.origin}: both would be {file}. Measure them separately.")
        files[file] = run.origin
        done.append(with_variety(run, measured(run, file)))
        scores = ", ".join(f"{name} {value:.4f}" for name, value in done[-1].metrics.items())
        print(f"{file.relative_to(output).with_suffix('')}: {scores}", flush=True)
    return done


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--output", type=Path, required=True, help="folder of runs.csv and of a JSON a run")
    options = parser.parse_args(arguments)
    found = [run for run in find_runs(options.runs).runs if run.finished]
    options.output.mkdir(parents=True, exist_ok=True)
    groups = assemble(measure_all(found, options.runs, options.output)).groups  # which names the arms
    write_runs_table([run for group in groups for run in group.runs], options.output / "runs.csv")


if __name__ == "__main__":
    main()
