"""What `oasis data-check` does once its words are read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from rich.console import Console

from oasis.cli.conf import load_config
from oasis.cli.data_tables import print_survey
from oasis.cli.samples import as_split
from oasis.data import Dataset
from oasis.data.survey import Survey, survey_split
from oasis.errors import ConfigurationError
from oasis.streets.writer import cores


def check_dataset(
    root: Path, overrides: Sequence[str], output: Path | None, workers: int | None, splits: Sequence[str]
) -> bool:
    """Look at every file, print what was found, and write it down where that is wanted.

    Args:
        root: the dataset's folder.
        overrides: Hydra's, as `python train.py` takes them.
        output: the JSON to write.
        workers: processes; None = one a core.
        splits: which; empty = all that are there.

    Returns:
        Whether nothing is wrong.

    Raises:
        ConfigurationError: a setting or a split that does not exist; an output inside the dataset.
        DatasetError: no dataset there, an empty split.
    """
    root = root.expanduser()
    if output is not None and output.resolve().is_relative_to(root.resolve()):
        raise ConfigurationError(f"--json {output} lies in the dataset, which is left as it is. Name another place.")
    named = any(override.startswith("encoding=") for override in overrides)
    ours = [] if named else ["encoding=per_instance_masks"]
    config: Any = load_config(["data=cityscapes", *ours, *overrides])
    rules = {
        "label_space": instantiate(config.label_space),
        "on_inconsistent_ids": config.data.on_inconsistent_ids,
        "max_pixels": config.data.max_pixels,
    }
    dataset: Dataset = instantiate(config.data.dataset)(root=root)
    chosen = [as_split(name) for name in dict.fromkeys(splits)] or dataset.splits()
    console = Console(highlight=False, soft_wrap=True)
    surveys: list[Survey] = []
    for split in chosen:
        surveys.append(survey_split(dataset, split, rules, workers or cores()))
        print_survey(console, surveys[-1], config.encoding.get("slots"))
    sound = all(survey.is_sound for survey in surveys)
    if output is not None:
        _write(output, root, surveys, config.encoding.get("slots"))
    count = sum(len(reasons) for survey in surveys for reasons in survey.faults.values())
    total = sum(survey.samples for survey in surveys)
    console.print(f"\n{root}: {total} samples, {'nothing is wrong' if sound else f'{count} faults'}.", markup=False)
    return sound


def _write(path: Path, root: Path, surveys: Sequence[Survey], slots: int | None) -> None:
    content = {
        "root": str(root),
        "sound": all(survey.is_sound for survey in surveys),
        "slots": {"set": slots, "needed": max((survey.most_instances for survey in surveys), default=0)},
        "splits": {survey.split: survey.as_dict() for survey in surveys},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
