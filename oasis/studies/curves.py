"""Reading the logged values of a run from its CSV."""

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
        Name -> (batch, value), empty cells and a truncated last line left out.

    Raises:
        ConfigurationError: an invalid file.
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
        if step is None or None in row or None in row.values():  # truncated: fewer or more cells than names
            continue
        for name, text in row.items():
            value = _number(text)
            if value is not None and name not in _COUNTERS:
                curves[migrated_metric(name)].append((int(step), value))
    return {name: tuple(points) for name, points in curves.items()}


def last_metrics(curves: Mapping[str, Curve]) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """The last values of the validation metrics.

    Returns:
        The values of the generated pictures, of the real-photo reference, and of the untrained baseline.
    """
    last = {name: points[-1][1] for name, points in curves.items() if points}
    beside = {group: _within(last, f"{group}/") for group in (REAL, UNTRAINED)}
    inner = (f"{REAL}/", f"{UNTRAINED}/")
    own = {name: value for name, value in last.items() if is_metric(name) and not name.startswith(inner)}
    return own, beside[REAL], beside[UNTRAINED]


def typical_speed(curves: Mapping[str, Curve]) -> dict[str, float]:
    """The median images/s, without the first value, as a cost; empty if none was logged."""
    readings = [value for _, value in curves.get(SPEED, ())]
    return {"images_per_second": statistics.median(readings[1:] or readings)} if readings else {}


def last_batch(curves: Mapping[str, Curve]) -> int:
    """The last logged batch; 0 if there is none."""
    return max((points[-1][0] for points in curves.values() if points), default=0)


def is_metric(name: str) -> bool:
    """Whether a logged name is a metric, not a loss, a count or a speed."""
    return not name.startswith(_NO_METRIC) and name not in _COUNTERS


def _within(values: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return math.nan if math.isinf(value) else value  # no number, but not an earlier one in its place
