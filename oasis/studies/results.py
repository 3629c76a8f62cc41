"""The numbers of a report as files that programs read."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from oasis.studies.overall import factors
from oasis.studies.study import Arm, Setting, Study
from oasis.studies.words import verdict

FORMAT = 1  # of the JSON; raised when a reader of the old one would misread the new
_HEAD = ("setting", "discriminator", "encoding", "metric", "n", "mean", "spread",
         "difference", "low", "high", "pairs", "sign_flip_p", "verdict")  # fmt: skip


def write_json(study: Study, path: Path) -> None:
    """All of it, with the value of every seed; nan becomes null."""
    content = {
        "format": FORMAT,
        "settings": [_setting(setting) for setting in study.settings],
        "left_out": [{"origin": one.origin, "reason": one.reason} for one in study.left_out],
        "warnings": list(study.warnings),
    }
    path.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_csv(study: Study, path: Path) -> None:
    """One row an arm and metric, with the difference from the baseline."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(_HEAD)
        for number, setting in enumerate(study.settings, 1):
            for arm in setting.arms:
                for entry in _entries(setting, arm):
                    table.writerow([number, arm.discriminator, arm.encoding, *map(_written, entry.values())])


def _setting(setting: Setting) -> dict[str, Any]:
    arms = [
        {
            "encoding": arm.encoding,
            "discriminator": arm.discriminator,
            "runs": [run.origin for run in setting.of(arm)],
            "scores": {
                entry["metric"]: entry | {"values": setting.by_seed(arm, entry["metric"])}
                for entry in _entries(setting, arm)
            },
        }
        for arm in setting.arms
    ]
    return {"baseline": setting.baseline, "unlike": list(setting.unlike), "arms": arms,
            "overall": [asdict(factor) for factor in factors(setting)],
            "settings": dict(setting.runs[0].settings)}  # fmt: skip


def _entries(setting: Setting, arm: Arm) -> Iterator[dict[str, Any]]:
    """What is known of an arm, metric by metric, in the order of the CSV's columns."""
    baseline = Arm(arm.discriminator, setting.baseline)
    for name in setting.metrics:
        score = setting.score(arm, name)
        one = setting.difference(arm, baseline, name)
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
            "sign_flip_p": one.chance if compared else math.nan,
            "verdict": verdict(one, name) if compared else "",
        }


def _written(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return str(value)


def _plain(value: Any) -> Any:
    """As JSON has it: no nan, no infinity, keys that are text."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
