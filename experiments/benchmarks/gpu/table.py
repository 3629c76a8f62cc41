"""Files and tables of the figures."""

import json
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.benchmarks.gpu.tracks import Row

REFERENCE, FAST = "reference", "fast, bfloat16"
_TOLERANCES = {"float32": 1e-2, "bfloat16": 5e-2}  # GPUs convolve in TF32 unless told otherwise
_SMALLEST = 1e-2  # losses below it are compared with it
_GOALS = (
    ("ratio", "at least", operator.ge, 4.0, "times the reference"),
    ("memory_ratio", "at most", operator.le, 0.5, "of its memory"),
    ("of_ceiling", "at least", operator.ge, 0.45, "of the ceiling"),
)
_UNITS = {"peak_bytes": ("peak GB", 1e9), "flops_per_image": ("TFLOP an image", 1e12)}


def is_figure(row: Row) -> bool:
    """Whether a line has been measured."""
    return "cut" not in row and "error" not in row


def write(path: Path, rows: Sequence[Row], surroundings: Mapping[str, object]) -> None:
    """Write what a stage has so far; a run that is cut leaves a whole file."""
    content = {"name": path.stem, **surroundings, "rows": rows}
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    draft.replace(path)


def compared(stage: str, rows: Sequence[Row]) -> list[Row]:
    """The rows with what follows from others: multiples of the reference, shares of the ceiling, differences."""
    found = {row["name"]: row for row in rows if is_figure(row)}
    compare = {"smoke": _with_differences, "train_step": _with_multiples, "models": _with_ratios}.get(stage)
    return [compare(row, found) if compare and row["name"] in found else row for row in rows]


def _with_differences(row: Row, found: Mapping[str, Row]) -> Row:
    expected = found.get("CPU, float32", {}).get("losses")
    if not expected or "losses" not in row:
        return row
    differences = [abs(row["losses"][name] - value) / max(abs(value), _SMALLEST) for name, value in expected.items()]
    tolerance = next((each for name, each in _TOLERANCES.items() if name in row["name"]), 0.0)
    return {**row, "difference": max(differences), "agrees": bool(max(differences) <= tolerance)}


def _with_multiples(row: Row, found: Mapping[str, Row]) -> Row:
    reference = found.get(REFERENCE)
    if reference is None or "images_per_second" not in row:
        return row
    row = {**row, "ratio": row["images_per_second"] / reference["images_per_second"]}
    row["tflops"] = reference["flops_per_image"] * row["images_per_second"] / 1e12
    if row["batch_size"] == reference["batch_size"]:
        row["memory_ratio"] = row["peak_bytes"] / reference["peak_bytes"]
    if "ceiling" in found:
        row["of_ceiling"] = row["tflops"] / found["ceiling"]["tflops"]
    return row


def _with_ratios(row: Row, found: Mapping[str, Row]) -> Row:
    return {**row, "ratio": row["seconds"] / found["semantic"]["seconds"]} if "semantic" in found else row


def page(stages: Mapping[str, Sequence[Row]], surroundings: Mapping[str, object], spent: float) -> str:
    """All figures as Markdown."""
    facts = ", ".join(f"{name} {value}" for name, value in surroundings.items())
    parts = [f"# {surroundings['device']}, {spent:.0f} s", facts]
    for stage, rows in stages.items():
        without = [f"- {row['name']}: {why} {row[why]}" for row in rows for why in ("cut", "error") if why in row]
        parts += [f"## {stage}", _table([row for row in rows if is_figure(row)]), "\n".join(without)]
    parts.append("\n".join(_goals(stages.get("train_step", []))))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name, value in row.items() if not isinstance(value, dict)))
    if not rows:
        return ""
    heads = [_UNITS[name][0] if name in _UNITS else name.replace("_", " ") for name in names]
    lines = [heads, ["---", *["---:"] * (len(names) - 1)], *([_cell(name, row) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(name: str, row: Row) -> str:
    value = row.get(name, "")
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float) or (name in _UNITS and value != ""):
        return f"{value / _UNITS[name][1] if name in _UNITS else value:.4g}"
    return str(value)


def _goals(rows: Sequence[Row]) -> list[str]:
    fast: Row = next((row for row in rows if row["name"] == FAST), {})
    return [
        f"- goal: {FAST}, {bound} {goal:g} {what}: {fast[name]:.2f}, {'met' if met(fast[name], goal) else 'missed'}"
        for name, bound, met, goal, what in _GOALS
        if name in fast
    ]
