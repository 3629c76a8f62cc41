"""A table of runs, one row each, to archive a study without its run folders."""

import csv
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oasis.errors import ConfigurationError
from oasis.migration import migrated_metrics
from oasis.studies.arms import ALWAYS
from oasis.studies.naming import BROUGHT
from oasis.studies.run import Run
from oasis.studies.stages import PLAN, STAGE
from oasis.training.callbacks.run_summary import PARTS

_GROUPS = ("metrics", "real_photos", "untrained", "costs")
_SHOWN = ("data.height", "data.width", "data.batch_size", "batches")
# The other settings are kept as digests: `settings`, and one for each part that a choice brings settings of. So runs of
# other models can be compared even if they come from different tables.
_DIGESTS = tuple(f"{prefix}settings" for prefix in BROUGHT)
VARIANT = "variant"  # the digest of the settings of encoding and discriminator
_CHOICES = tuple(f"choices/{part}" for part in PARTS if part not in ALWAYS)
_ASIDE = (VARIANT, PLAN, STAGE, "arm")
_HEAD = ("encoding", "discriminator", "seed", "finished", *_SHOWN, "settings", "device", "commit", "origin")


def write_runs_table(runs: Sequence[Run], path: Path) -> None:
    """Write one row per run, sorted by encoding, discriminator and seed.

    Args:
        runs: the runs; their origins become relative to their common folder.
        path: the CSV to write.
    """
    ordered = sorted(runs, key=lambda run: (run.encoding, run.discriminator, run.seed, run.origin))
    columns = [f"{group}/{name}" for group in _GROUPS for name in _names(ordered, group)]
    cells = [_further_cells(run) for run in ordered]
    known = {name for own in cells for name in own}
    measured = sorted(name for name in known if name.startswith("protocols/"))
    further = [name for name in (*_CHOICES, *measured, *_DIGESTS, *_ASIDE) if name in known]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*_HEAD, *columns, *further])
        for run, own in zip(ordered, cells, strict=True):
            values = (_value(run, column) for column in columns)
            table.writerow([*_head(run, runs), *values, *(own.get(name, "") for name in further)])


def read_runs_table(path: Path) -> list[Run]:
    """Read a file of `write_runs_table`.

    Raises:
        ConfigurationError: it is not such a table.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [_run(row, path) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: not a table of runs ({type(error).__name__}: {error}). `oasis report RUNS -o DIR` writes one, "
            "runs.csv."
        ) from error


def _head(run: Run, runs: Sequence[Run]) -> Iterator[Any]:
    yield from (run.encoding, run.discriminator, run.seed, int(run.finished))
    yield from (run.settings.get(name, "") for name in _SHOWN)
    aside = (*_SHOWN, PLAN, STAGE, "settings")
    rest = {name: value for name, value in run.settings.items() if not name.startswith(BROUGHT) and name not in aside}
    yield run.settings.get("settings") or _digest(rest)
    yield from (run.facts.get(name, "") for name in ("device", "commit"))
    yield _shortened(run.origin, [other.origin for other in runs])


def _further_cells(run: Run) -> dict[str, str]:
    """Those of columns that a table has if any of its runs needs them."""
    cells = {f"choices/{part}": name for part, name in run.choices.items()}
    cells |= {f"protocols/{name}": line for name, line in run.protocols.items()}
    for prefix, name in zip(BROUGHT, _DIGESTS, strict=True):
        brought = {setting: value for setting, value in run.settings.items() if setting.startswith(prefix)}
        if brought:
            cells[name] = brought.get(name) or _digest(brought)
    if run.variant:
        cells[VARIANT] = _digest(run.variant)
    cells |= {name: run.settings[name] for name in (PLAN, STAGE) if name in run.settings}
    return cells | {name: run.facts[name] for name in ("arm", VARIANT) if name in run.facts}


def _run(row: Mapping[str, str], path: Path) -> Run:
    settings: dict[str, Any] = {name: int(row[name]) for name in _SHOWN if row[name]}
    settings |= {name: row[name] for name in (*_DIGESTS, PLAN, STAGE) if row.get(name)}
    groups = {
        group: {
            name.removeprefix(f"{group}/"): float(text)
            for name, text in migrated_metrics(row).items()
            if name.startswith(f"{group}/") and text
        }
        for group in _GROUPS
    }
    return Run(
        origin=f"{row['origin']} in {path.name}",
        choices={name: row[name] for name in ALWAYS}
        | {part: row[f"choices/{part}"] for part in PARTS if row.get(f"choices/{part}")},
        seed=int(row["seed"]),
        batches=settings.get("batches", 0),
        finished=bool(int(row["finished"])),
        settings={**settings, "settings": row["settings"]},
        facts={name: row[name] for name in ("device", "commit", "arm", VARIANT) if row.get(name)},
        protocols={
            name.removeprefix("protocols/"): line
            for name, line in row.items()
            if name.startswith("protocols/") and line
        },
        ended=path.stat().st_mtime,
        **groups,  # type: ignore[arg-type]
    )


def _names(runs: Sequence[Run], group: str) -> list[str]:
    return sorted({name for run in runs for name in getattr(run, group)})


def _value(run: Run, column: str) -> str:
    group, name = column.split("/", 1)
    value = getattr(run, group).get(name, math.nan)
    return "" if math.isnan(value) else repr(float(value))


def _digest(settings: Mapping[str, Any]) -> str:
    """A hash of the settings: twelve hexadecimal digits."""
    return hashlib.sha256(json.dumps(dict(settings), sort_keys=True, default=str).encode()).hexdigest()[:12]


def _shortened(origin: str, all_origins: Sequence[str]) -> str:
    """The path relative to the common folder of all runs: a committed table should not reveal a home folder."""
    parts = [Path(other).parts for other in all_origins]
    common = 0
    while all(len(part) > common + 1 and part[common] == parts[0][common] for part in parts):
        common += 1
    return str(Path(*Path(origin).parts[common:]))
