"""Machine-readable results of a report."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from oasis.studies.arms import Arm
from oasis.studies.overall import factors
from oasis.studies.protocols import protocols_of
from oasis.studies.study import RunGroup, Study
from oasis.studies.words import conclusion

FORMAT = 2  # of the JSON; incremented when readers of the old one would misread the new
_HEAD = ("metric", "n", "mean", "spread",
         "difference", "low", "high", "pairs", "sign_flip_p", "conclusion")  # fmt: skip


def write_json(study: Study, path: Path) -> None:
    """Write everything, with the value of every seed; nan becomes null."""
    content = {
        "format": FORMAT,
        "groups": [_group(group) for group in study.groups],
        "left_out": [{"origin": one.origin, "reason": one.reason} for one in study.left_out],
        "warnings": list(study.warnings),
    }
    path.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_csv(study: Study, path: Path) -> None:
    """Write one row per arm and metric, with the difference from the baseline."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        parts = list(dict.fromkeys(part for group in study.groups for part in group.choices))
        table.writerow(["group", *parts, *_HEAD])
        for number, group in enumerate(study.groups, 1):
            for arm in group.arms:
                for entry in _entries(group, arm):
                    names = dict(arm.choices)
                    table.writerow([number, *(names.get(part, "") for part in parts), *map(_written, entry.values())])


def _group(group: RunGroup) -> dict[str, Any]:
    arms = [
        {
            **dict(arm.choices),
            "runs": [run.origin for run in group.of(arm)],
            "scores": {
                entry["metric"]: entry | {"values": group.by_seed(arm, entry["metric"])}
                for entry in _entries(group, arm)
            },
        }
        for arm in group.arms
    ]
    return {"baseline": group.baseline, "unlike": list(group.unlike), "arms": arms,
            "protocols": protocols_of(group),
            "overall": [asdict(factor) for factor in factors(group)],
            "settings": dict(group.runs[0].settings)}  # fmt: skip


def _entries(group: RunGroup, arm: Arm) -> Iterator[dict[str, Any]]:
    """The results of an arm, metric by metric, in the order of the CSV's columns."""
    baseline = arm.choosing(encoding=group.baseline)
    for name in group.metrics:
        score = group.score(arm, name)
        one = group.difference(arm, baseline, name)
        low, high = one.interval
        compared = arm != baseline and one.pairs > 0
        yield {
            "metric": name,
            "n": len(score.values) if score else 0,
            "mean": score.mean if score else math.nan,
            "spread": score.spread if score else math.nan,
            "difference": one.mean if compared else math.nan,
            "low": low if compared else math.nan,
            "high": high if compared else math.nan,
            "pairs": one.pairs if compared else 0,
            "sign_flip_p": one.p_value if compared else math.nan,
            "conclusion": conclusion(one, name) if compared else "",
        }


def _written(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return str(value)


def _plain(value: Any) -> Any:
    """JSON-serialisable: nan and infinity become null, keys text."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
