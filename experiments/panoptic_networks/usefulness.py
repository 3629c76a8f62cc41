"""Makes results/usefulness/table.md: what segmenters learn from the pictures of an arm, and from those of `semantic`.

    python -m experiments.panoptic_networks.usefulness combination

reads `usefulness.json` of `oasis evaluate --train-on-fakes` for each generator, as usefulness.sh keeps them.
"""

import argparse
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.panoptic_networks.plan import RESULTS
from oasis.cli.usefulness import FORMAT
from oasis.errors import ConfigurationError
from oasis.evaluation import Score
from oasis.metrics import describe
from oasis.metrics.metric_info import MetricInfo
from oasis.report import Cell, Table, cells
from oasis.report.markdown import table_as_markdown
from oasis.report.numbers import score_cell
from oasis.studies.differences import Difference
from oasis.studies.tables import difference_text
from oasis.usefulness import PHOTOS, UNTRAINED
from oasis.usefulness.results import both_of, fakes_of

FOLDER = "usefulness"
BASELINE = "semantic"
_FAKES, _BOTH = "fakes", "photos and fakes"


@dataclass(frozen=True)
class Taught:
    """What segmenters learned from one generator.

    Attributes:
        protocol: how they were trained and tested, in a sentence.
        scores: what they were trained on -> measure -> score of each segmenter, 0 to 1.
    """

    protocol: str
    scores: Mapping[str, Mapping[str, tuple[float, ...]]]

    def mean(self, source: str, measure: str) -> float:
        """Over the segmenters that were trained on one source."""
        return statistics.fmean(self.scores[source][measure])


def read(path: Path) -> Taught:
    """One generator's scores.

    Args:
        path: a `usefulness.json`.

    Raises:
        ConfigurationError: another format, more generators than one, or a missing score.
    """
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if content.get("format") != FORMAT:
        raise ConfigurationError(f"{path}: format {content.get('format')}, not {FORMAT}. Evaluate anew: usefulness.sh.")
    arms: dict[str, dict[str, dict[str, list[float | None]]]] = content["arms"]
    names = [arm.removeprefix(fakes_of("")) for arm in arms if arm.startswith(fakes_of("")) and arm != UNTRAINED]
    if len(names) != 1:
        raise ConfigurationError(f"{path}: {len(names)} generators, not one. Evaluate each on its own: usefulness.sh.")
    found = {PHOTOS: PHOTOS, UNTRAINED: UNTRAINED, fakes_of(names[0]): _FAKES, both_of(names[0]): _BOTH}
    return Taught(
        content["protocol"],
        {
            title: {measure: _all_of(each["values"], f"{path}: {measure}") for measure, each in arms[arm].items()}
            for arm, title in found.items()
        },
    )


def _all_of(values: Sequence[float | None], origin: str) -> tuple[float, ...]:
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < len(values) or not known:
        raise ConfigurationError(f"{origin}: {values}. A pair with a missing score would drop out of the comparison.")
    return tuple(known)


def read_arm(folder: Path) -> dict[int, Taught]:
    """Seed of the generator -> what it taught.

    Args:
        folder: with a file `seed_N.json` of each.

    Raises:
        ConfigurationError: there is none; see `read`.
    """
    found = {int(path.stem.removeprefix("seed_")): read(path) for path in folder.glob("seed_*.json")}
    if not found:
        raise ConfigurationError(f"{folder}: no seed_N.json. Evaluate the arm: ARM={folder.name} usefulness.sh.")
    return found


def table_of(folder: Path, arm: str) -> str:
    """What table.md has to say.

    Args:
        folder: with a folder of each arm.
        arm: compared with `semantic`.

    Raises:
        ConfigurationError: see `read_arm`; other seeds than the baseline has, or fewer than two; another protocol.
    """
    ours, theirs = read_arm(folder / arm), read_arm(folder / BASELINE)
    if ours.keys() != theirs.keys() or len(ours) < 2:
        raise ConfigurationError(
            f"{folder}: {arm} has the seeds {sorted(ours)}, {BASELINE} {sorted(theirs)}: they must be the same, and "
            "two or more. usefulness.sh evaluates what is missing."
        )
    protocols = {one.protocol for taught in (ours, theirs) for one in taught.values()}
    if len(protocols) > 1:
        raise ConfigurationError(f"{folder}: evaluated in different ways:\n" + "\n".join(sorted(protocols)))
    return "\n".join(_lines(arm, ours, theirs, protocols.pop()))


def _lines(arm: str, ours: Mapping[int, Taught], theirs: Mapping[int, Taught], protocol: str) -> Iterator[str]:
    yield from ("<!-- Made from seed_N.json by usefulness.py; do not edit. -->", "", protocol, "")
    yield f"Mean ± standard deviation over {len(ours)} generators of each arm; differences are paired by their seeds,"
    yield "with 95 % intervals (Student's t). In brackets, each segmenter; those of all rows have the same seeds, so"
    yield from ("that intervals are for these segmenters.", "")
    measures = list(next(iter(ours.values())).scores[PHOTOS])
    first = next(iter(theirs.values()))
    rows = [_each(source, first, measures) for source in (PHOTOS, UNTRAINED)]
    for source in (_FAKES, _BOTH):
        rows += [
            _mean(f"{source} of {name}", each, source, measures) for name, each in ((BASELINE, theirs), (arm, ours))
        ]
        differences = [_difference(ours, theirs, source, measure) for measure in measures]
        texts = [difference_text(one, _info(name)) for one, name in zip(differences, measures, strict=True)]
        shown = (Cell(text, strong=one.significant) for text, one in zip(texts, differences, strict=True))
        rows.append((*cells(f"{source}: {arm} minus {BASELINE}"), *shown))
    heads = cells("trained on", *(_info(name).heading for name in measures))
    yield from (table_as_markdown(Table(heads, tuple(rows))), "")


def _each(source: str, taught: Taught, measures: Sequence[str]) -> tuple[Cell, ...]:
    """A row of what no generator of an arm has made."""
    texts = []
    for name in measures:
        mean, info = taught.mean(source, name), _info(name)
        each = ", ".join(info.show(value, info.decimals_of(mean)) for value in taught.scores[source][name])
        texts.append(f"{info.show(mean)} ({each})")
    return cells(source, *texts)


def _mean(title: str, taught: Mapping[int, Taught], source: str, measures: Sequence[str]) -> tuple[Cell, ...]:
    scores = {name: Score(tuple(one.mean(source, name) for one in taught.values())) for name in measures}
    shown = (score_cell(_info(name), score.mean, score.spread) for name, score in scores.items())
    return *cells(title), *shown


def _difference(ours: Mapping[int, Taught], theirs: Mapping[int, Taught], source: str, measure: str) -> Difference:
    mine, other = ({seed: one.mean(source, measure) for seed, one in taught.items()} for taught in (ours, theirs))
    return Difference.between(mine, other)


def _info(measure: str) -> MetricInfo:
    return describe(f"segmenter/{measure}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arm", help="compared with semantic")
    parser.add_argument(
        "--folder", type=Path, default=RESULTS / FOLDER, help="has ARM/seed_N.json; table.md is written there"
    )
    options = parser.parse_args(arguments)
    (options.folder / "table.md").write_text(table_of(options.folder, options.arm), encoding="utf-8")


if __name__ == "__main__":
    main()
