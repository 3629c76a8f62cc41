"""Finding the runs that a command line names."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from oasis.errors import ConfigurationError
from oasis.studies.folders import is_run_folder, read_run_folder
from oasis.studies.run import LeftOut, Run
from oasis.studies.runs_table import read_runs_table


@dataclass(frozen=True)
class Found:
    """All runs in the given places.

    Attributes:
        runs: the readable ones, finished or not.
        unreadable: the others, with reasons.
    """

    runs: tuple[Run, ...]
    unreadable: tuple[LeftOut, ...]


def find_runs(places: Sequence[Path]) -> Found:
    """Read all runs in these places, each once.

    Args:
        places: run folders, folders with some at any depth, and tables of runs from a report.

    Raises:
        ConfigurationError: a missing place, or no run in any of them.
    """
    runs: list[Run] = []
    unreadable: list[LeftOut] = []
    for source in dict.fromkeys(source.resolve() for place in places for source in _sources(place)):
        try:
            runs += _read(source)
        except ConfigurationError as error:
            unreadable.append(LeftOut(str(source), str(error)))
    if not runs and not unreadable:
        listing = ", ".join(map(str, places))
        raise ConfigurationError(
            f"{listing}: no runs here. A run is a folder with summary.json, or with config.yaml and metrics.csv; "
            "give one, or a folder that holds some."
        )
    return Found(tuple(runs), tuple(unreadable))


def _read(source: Path) -> list[Run]:
    return [read_run_folder(source)] if source.is_dir() else read_runs_table(source)


def _sources(place: Path) -> Iterator[Path]:
    """Run folders and tables in a place, in alphabetical order."""
    if not place.exists():
        raise ConfigurationError(f"{place}: no such file or folder. Give folders of runs, such as runs/study.")
    if place.is_file():
        if place.suffix != ".csv":
            raise ConfigurationError(f"{place}: neither a run folder nor a table of runs (.csv).")
        yield place
        return
    for folder, inner, _ in os.walk(place, onerror=_refuse):
        here = Path(folder)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if is_run_folder(here):
            inner.clear()  # everything deeper belongs to this run
            yield here


def _refuse(error: OSError) -> None:
    raise ConfigurationError(f"{error.filename}: cannot be searched for runs ({error.strerror}).") from error
