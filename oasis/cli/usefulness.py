"""The implementation of `oasis evaluate --train-on-fakes`."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oasis.cli.evaluation import data_of
from oasis.data.sample import as_split
from oasis.devices import find_device
from oasis.evaluation import open_models
from oasis.files import write_json
from oasis.metrics import describe
from oasis.report.terminal import visible
from oasis.studies.differences import Difference
from oasis.training.warning_filters import filter_warnings
from oasis.usefulness import PHOTOS, Recipe, Usefulness, UsefulnessStudy

FORMAT = 1  # of usefulness.json


def measure_usefulness(
    checkpoints: Sequence[Path], overrides: Sequence[str], split: str, device: str, steps: int, seeds: int, draws: int
) -> Usefulness:
    """Train segmenters on the pictures of checkpoints and on photos, and test them on photos.

    Args:
        checkpoints: files or run folders.
        overrides: Hydra's, as `oasis train` takes them.
        split: of the photos that are tested on.
        device: torch's name of one, or `auto`.
        steps: of each training.
        seeds: trainings of each arm.
        draws: pictures of each label map.

    Raises:
        ConfigurationError: see `UsefulnessStudy`; no such device or split.
    """
    filter_warnings()
    console = Console(highlight=False, soft_wrap=True)
    models = open_models(checkpoints, lambda restored, path: data_of(restored, path, overrides))
    recipe = Recipe.for_pictures(models[0].data.height, steps) if models else Recipe(steps)
    return UsefulnessStudy(
        models,
        find_device(device),
        as_split(split),
        recipe,
        range(seeds),
        range(draws),
        tell=lambda text: console.print(text, markup=False),
    ).run()


def write_usefulness(usefulness: Usefulness, path: Path) -> None:
    """Write every score, the 95 % interval of each arm, and that of its difference from photos alone."""
    arms = {
        arm: {
            measure: {
                "values": [_number(value) for value in values],
                **_summary(_by_seed(usefulness, arm, measure)),
                "minus_photos_alone": None if arm == PHOTOS else _summary(_minus_photos(usefulness, arm, measure)),
            }
            for measure, values in scores.items()
        }
        for arm, scores in usefulness.scores.items()
    }
    write_json(
        path,
        {
            "format": FORMAT,
            "protocol": usefulness.protocol,
            "seeds": list(usefulness.seeds),
            "draws": list(usefulness.draws),
            "notes": list(usefulness.notes),
            "arms": arms,
        },
    )


def usefulness_table(usefulness: Usefulness) -> Table:
    """Mean and 95 % interval of each arm, and of its difference from photos alone."""
    table = Table(
        title="What a segmenter learns from the pictures, tested on photos: mean, 95 % interval", box=box.SIMPLE
    )
    table.add_column("trained on")
    measures = list(usefulness.scores[PHOTOS])
    for measure in measures:
        info = describe(f"segmenter/{measure}")
        table.add_column(f"{info.title} {info.unit}", justify="right")
        table.add_column("minus photos", justify="right")
    for arm in usefulness.scores:
        cells = [Text(visible(arm))]
        for measure in measures:
            cells.append(Text(_with_interval(_by_seed(usefulness, arm, measure), measure)))
            against = "" if arm == PHOTOS else _with_interval(_minus_photos(usefulness, arm, measure), measure, True)
            cells.append(Text(against))
        table.add_row(*cells)
    return table


def _by_seed(usefulness: Usefulness, arm: str, measure: str) -> Difference:
    """An arm's scores: their difference from 0."""
    values = dict(zip(usefulness.seeds, usefulness.scores[arm][measure], strict=True))
    return Difference.between(values, dict.fromkeys(values, 0.0))


def _minus_photos(usefulness: Usefulness, arm: str, measure: str) -> Difference:
    """An arm minus photos alone, paired by seed: the two share weights, order and mirroring."""
    ours, theirs = (_by_seed(usefulness, name, measure).values for name in (arm, PHOTOS))
    return Difference.between(ours, theirs)


def _summary(difference: Difference) -> dict[str, object]:
    return {"mean": _number(difference.mean), "interval": [_number(end) for end in difference.interval]}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _with_interval(difference: Difference, measure: str, signed: bool = False) -> str:
    info = describe(f"segmenter/{measure}")
    decimals = info.decimals_of(difference.mean)
    mean = info.show(difference.mean, decimals, signed=signed)
    low, high = (info.show(end, decimals, signed=signed) for end in difference.interval)
    return f"{mean} [{low}, {high}]" if math.isfinite(difference.interval[0]) else mean
