"""Offline W&B runs: what `wandb/offline-run-*/run-ID.wandb` holds, without a network or a login."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oasis.studies.curves import last_batch, last_metrics, typical_speed
from oasis.studies.run import Curve, Run
from oasis.studies.settings import comparable_settings, names, total_batches, variant
from oasis.studies.wandb_log import read_records

_STEPS = ("trainer/global_step", "batches_seen", "batches", "step", "_step")  # whichever comes first counts batches


@dataclass
class WandbContent:
    """What of a W&B run file is read.

    Attributes:
        config: the configuration as it was logged.
        curves: number by number, (batch, value).
        exit_code: None where the run did not end by itself.
    """

    config: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    exit_code: int | None = None


def read_wandb_run(path: Path) -> Run:
    """Read the file of an offline run.

    Args:
        path: of `run-ID.wandb`.

    Raises:
        ConfigurationError: not such a file.
    """
    content = read_content(path)
    config, curves = content.config, content.curves
    metrics, real, untrained = last_metrics(curves)
    batches, wanted = last_batch(curves), total_batches(config)
    encoding, discriminator = names(config)
    ended_well = content.exit_code == 0
    return Run(
        origin=str(path),
        encoding=encoding,
        discriminator=discriminator,
        seed=int(config.get("seed") or 0),
        batches=batches,
        finished=batches > 0 and (ended_well if wanted is None else batches >= wanted),
        metrics=metrics,
        real_photos=real,
        untrained=untrained,
        costs=typical_speed(curves),
        settings={**comparable_settings(config), "batches": batches},
        variant=variant(config),
        facts={"name": str(config["name"])} if config.get("name") else {},
        ended=path.stat().st_mtime,
        curves=curves,
    )


def read_content(path: Path) -> WandbContent:
    """Configuration, numbers and end of a run file.

    Raises:
        ConfigurationError: not such a file.
    """
    content = WandbContent()
    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for record in read_records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            _update(content.config, record.run.config.update)
        elif kind == "config":
            _update(content.config, record.config.update)
        elif kind == "history":
            _append(curves, record.history.item)
        elif kind == "exit":
            content.exit_code = record.exit.exit_code
    content.curves = {name: tuple(points) for name, points in curves.items()}
    return content


def _append(curves: dict[str, list[tuple[int, float]]], items: Iterable[Any]) -> None:
    """Add the numbers of one logged row; whatever is no number, such as a picture, is left out."""
    row = {_path(item)[-1] if not item.key else item.key: json.loads(item.value_json) for item in items}
    numbers = {name: value for name, value in row.items() if type(value) in (int, float)}
    step = next((numbers[name] for name in _STEPS if name in numbers), None)
    if step is None:
        return
    for name, value in numbers.items():
        if name not in _STEPS:
            curves[name].append((int(step), float(value)))


def _update(config: dict[str, Any], items: Iterable[Any]) -> None:
    """Put logged settings where they belong; names with dots or slashes are as nested as they look."""
    for item in items:
        *groups, name = _path(item)
        value = json.loads(item.value_json)
        if isinstance(value, dict) and set(value) == {"value", "desc"}:
            value = value["value"]
        here = config
        for group in groups:
            inner = here.setdefault(group, {})
            if not isinstance(inner, dict):
                break
            here = inner
        else:
            here[name] = value


def _path(item: Any) -> list[str]:
    """The names from the outermost group to the value: nested keys, or Lightning's `data/height`."""
    return list(item.nested_key) or str(item.key).split("/")
