"""What was logged while a run trained: from its CSV, and which of it is a metric."""

import csv
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from oasis.errors import ConfigurationError
from oasis.migration import migrated_metric
from oasis.studies.run import Curve
from oasis.training.callbacks.metrics import REAL, UNTRAINED

SPEED = "speed/images_per_second"
_NO_METRIC = ("generator/", "discriminator/", "val/", "speed/", "encoding/", "system/", "trainer/", "_", "lr-")
_COUNTERS = frozenset({"step", "epoch", "batches", "batches_seen", "images", "images_seen"})


def read_curves(path: Path) -> dict[str, Curve]:
    """The columns of a run's metrics.csv.

    Args:
        path: a CSV with a column `step`, in batches.

    Returns:
        Name -> (batch, value), empty cells and a torn last line left out.

    Raises:
        ConfigurationError: a file that is no such CSV.
    """
    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: not the metrics of a run ({error}).") from error
    if rows and "step" not in rows[0]:
        raise ConfigurationError(f"{path}: not the metrics of a run: it has no column `step`.")
    for row in rows:
        step = _number(row.get("step"))
        if step is None or None in row or None in row.values():  # torn: fewer or more cells than names
            continue
        for name, text in row.items():
            value = _number(text)
            if value is not None and name not in _COUNTERS:
                curves[migrated_metric(name)].append((int(step), value))
    return {name: tuple(points) for name, points in curves.items()}


def last_metrics(curves: Mapping[str, Curve]) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """The last values of the metrics of validation.

    Returns:
        Of the fakes, of the real photos (the floor), and of the untrained generator (the ceiling).
    """
    last = {name: points[-1][1] for name, points in curves.items() if points}
    beside = {group: _within(last, f"{group}/") for group in (REAL, UNTRAINED)}
    inner = (f"{REAL}/", f"{UNTRAINED}/")
    own = {name: value for name, value in last.items() if is_metric(name) and not name.startswith(inner)}
    return own, beside[REAL], beside[UNTRAINED]


def typical_speed(curves: Mapping[str, Curve]) -> dict[str, float]:
    """The median images/s, the first reading left out, as a cost; nothing where none was logged."""
    readings = [value for _, value in curves.get(SPEED, ())]
    return {"images_per_second": statistics.median(readings[1:] or readings)} if readings else {}


def last_batch(curves: Mapping[str, Curve]) -> int:
    """The last batch that anything was logged of; 0 if nothing was."""
    return max((points[-1][0] for points in curves.values() if points), default=0)


def is_metric(name: str) -> bool:
    """Whether a logged name is a metric, not a loss, a count or a reading of speed."""
    return not name.startswith(_NO_METRIC) and name not in _COUNTERS


def _within(values: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return None if math.isinf(value) else value
