"""The implementation of `oasis data-check`."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from oasis.data import Dataset
from oasis.data.sample import as_split
from oasis.data.survey import Survey, survey_split
from oasis.errors import ConfigurationError
from oasis.inspection.tables import print_survey
from oasis.labels import LabelSpace
from oasis.streets.writer import cores


def check_dataset(
    root: Path,
    dataset: Dataset,
    label_space: LabelSpace,
    *,
    on_inconsistent_ids: str,
    max_pixels: int,
    slots: int | None,
    output: Path | None,
    workers: int | None,
    splits: Sequence[str],
) -> bool:
    """Check every file, print the results, and optionally write them to a JSON file.

    Args:
        root: the dataset's folder.
        dataset: the dataset.
        label_space: which raw label ids may occur.
        on_inconsistent_ids: see `Inspection`.
        max_pixels: see `Inspection`.
        slots: K of `per_instance_masks`; None = another encoding is used.
        output: the JSON file to write.
        workers: processes; None = one per core.
        splits: the splits to check; empty = all that exist.

    Returns:
        Whether there are no faults.

    Raises:
        ConfigurationError: a label space of other maps; a split that does not exist; an output inside the dataset.
        DatasetError: no dataset there, or an empty split.
    """
    root = root.expanduser()
    dataset.require_label_space(label_space)
    if output is not None and output.resolve().is_relative_to(root.resolve()):
        raise ConfigurationError(f"--json {output} lies in the dataset, which is left as it is. Name another place.")
    rules = {"label_space": label_space, "on_inconsistent_ids": on_inconsistent_ids, "max_pixels": max_pixels}
    chosen = [as_split(name) for name in dict.fromkeys(splits)] or dataset.splits()
    console = Console(highlight=False, soft_wrap=True)
    surveys: list[Survey] = []
    for split in chosen:
        surveys.append(survey_split(dataset, split, rules, workers or cores()))
        print_survey(console, surveys[-1], slots)
    sound = all(survey.is_sound for survey in surveys)
    if output is not None:
        _write(output, root, surveys, slots)
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
