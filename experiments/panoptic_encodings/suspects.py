"""Makes results/attempt/suspects.md from its runs.csv: `python -m experiments.panoptic_encodings.suspects`.

The published attempt with and without each of three suspects, 2 x 2 x 2. Without numbers in the map, class weights
from it are those from the labels, bit for bit: two of the eight rows repeat the runs of two others.
"""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from experiments.panoptic_encodings.make_table import RESULTS, RUNS
from oasis.errors import ConfigurationError
from oasis.metrics.names import describe
from oasis.report import Cell, Table, cells
from oasis.report.markdown import table_as_markdown
from oasis.studies import Run, read_runs_table
from oasis.studies.differences import Difference
from oasis.studies.tables import difference_text

SUSPECTS = "suspects.md"
METRICS = ("segmenter/miou", "segmenter/frechet")
NOT_RUN = "not yet run"
_ENCODINGS = {"semantic": False, "instance_ids": True}
_LEAKS = re.compile(r"\bweights_from=encoded_map\b")
_GAIN = re.compile(r"\binit_gain=([\d.]+)")
_GAINS = {0.02: True, 1.0: False}
_TITLES = ("numbers in the map", "class weights from the map", "small first weights")
_MADE = "<!-- Made from runs.csv by suspects.py; do not edit. -->"
_SAME = "Without numbers, the map is one-hot and its sums are the pixels: these rows are of the same runs."
_PAIRED = "Differences are paired by seed, with the 95 % confidence interval of their mean; bold where it excludes 0."


class Combination(NamedTuple):
    """Which of the suspects a run has.

    Attributes:
        numbers: instance numbers in the map.
        leaked: class weights from the encoded map.
        small: first weights of gain 0.02, instead of 1.
    """

    numbers: bool
    leaked: bool
    small: bool

    @property
    def trained(self) -> "Combination":
        """The combination whose runs are the same: without numbers, nothing is leaked."""
        return self._replace(leaked=self.leaked and self.numbers)


def combination_of(run: Run) -> Combination:
    """Which suspects a run has, by the names of its choices.

    Raises:
        ConfigurationError: another encoding or gain, or none named.
    """
    numbers = _ENCODINGS.get(run.encoding)
    gain = _GAIN.search(run.discriminator)
    small = _GAINS.get(float(gain[1])) if gain else None
    if numbers is None or small is None:
        raise ConfigurationError(
            f"{run.origin}: encoding={run.encoding} discriminator={run.discriminator} is not of the attempt's study, "
            "which has encoding=semantic or instance_ids and init_gain=0.02 or 1 behind the discriminator's name. Give "
            "the runs.csv of all runs of attempt.sh."
        )
    return Combination(numbers, bool(_LEAKS.search(run.choices.get("objective", ""))), small).trained


def suspects_of(runs: Path) -> str:
    """What suspects.md has to say of a table of runs.

    Args:
        runs: the table.

    Raises:
        ConfigurationError: not a table of runs; a run of another study.
    """
    found: dict[Combination, list[Run]] = {}
    for run in sorted(read_runs_table(runs), key=lambda run: run.seed):
        if run.finished:
            found.setdefault(combination_of(run), []).append(run)
    tables = [table_as_markdown(table) for table in (_scores(found), _differences(found))]
    return "\n\n".join((_MADE, tables[0], _SAME, tables[1], _PAIRED)) + "\n"


def _scores(found: Mapping[Combination, Sequence[Run]]) -> Table:
    """One row per combination, the one without any suspect first: each seed's score, and their mean."""
    heads = [head for name in METRICS for head in (f"{describe(name).heading} by seed", "mean")]
    rows = []
    for chosen in map(Combination._make, product((False, True), repeat=len(_TITLES))):
        yes_no = ("yes" if one else "no" for one in chosen)
        columns = (_by_seed(found.get(chosen.trained, ()), name) for name in METRICS)
        rows.append(cells(*yes_no, *(text for column in columns for text in column)))
    return Table(cells(*_TITLES, *heads), tuple(rows))


def _by_seed(runs: Sequence[Run], name: str) -> tuple[str, str]:
    if not runs:
        return NOT_RUN, "-"
    info = describe(name)
    values = [run.metrics[name] for run in runs]
    decimals = info.decimals_of(fmean(values))
    return ", ".join(info.show(value, decimals) for value in values), info.show(fmean(values), decimals)


def _differences(found: Mapping[Combination, Sequence[Run]]) -> Table:
    """One row per suspect: what it does where it is the only one, and where it joins the two others."""
    cases = ("alone", "beside the two others")
    heads = [f"{describe(name).heading}, {case}" for name in METRICS for case in cases]
    rows = []
    for place, title in enumerate(_TITLES):
        row = []
        for name in METRICS:
            for others in (False, True):
                without, having = (
                    Combination._make(given if at == place else others for at in range(len(_TITLES)))
                    for given in (False, True)
                )
                row.append(_difference(found, having, without, name))
        rows.append((*cells(title), *row))
    return Table(cells("with the suspect minus without", *heads), tuple(rows))


def _difference(
    found: Mapping[Combination, Sequence[Run]], having: Combination, without: Combination, name: str
) -> Cell:
    if having.trained == without.trained:
        return Cell("the same runs")
    ours, theirs = (_values(found.get(one.trained, ()), name) for one in (having, without))
    difference = Difference.between(ours, theirs)
    return Cell(
        difference_text(difference, describe(name)) if difference.pairs else NOT_RUN, strong=difference.significant
    )


def _values(runs: Iterable[Run], name: str) -> dict[int, float]:
    return {run.seed: run.metrics[name] for run in runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS / "attempt", help="folder of runs.csv and suspects.md")
    options = parser.parse_args(arguments)
    (options.results / SUSPECTS).write_text(suspects_of(options.results / RUNS), encoding="utf-8")


if __name__ == "__main__":
    main()
