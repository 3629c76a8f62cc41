"""What an evaluation has found: the numbers, and how they are written and read."""

import csv
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from oasis.errors import ConfigurationError
from oasis.migration import migrated_metrics, migrated_results

FORMAT = 1  # of the JSON; raised when a reader of the old one would misread the new


@dataclass(frozen=True)
class Score:
    """One number and how far it varies.

    Attributes:
        values: one for each noise seed; a single one where noise plays no part, as for real photos.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds; nan where any is."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds (n - 1); nan where there is only one, or one is not finite."""
        known = len(self.values) > 1 and all(map(math.isfinite, self.values))
        return statistics.stdev(self.values) if known else math.nan


@dataclass(frozen=True)
class Column:
    """What was measured of one source of pictures.

    Attributes:
        name: what to call it; unique in a comparison.
        scores: metric -> score. Metrics are called `fid`, `kid`, `segmenter/pq`, `segmenter/iou/car`,
            `diversity/ms_ssim`.
        origin: the checkpoint's path, or what else the pictures are.
        facts: what else is known of it, such as `encoding` or `batches seen`.
    """

    name: str
    scores: dict[str, Score]
    origin: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Checkpoints measured side by side on one dataset.

    Attributes:
        columns: the checkpoints', in the order in which they were named.
        references: what to read them against: the floor (real photos) and the ceiling (an untrained generator).
        dataset: where the label maps and photos come from.
        split: which part of it.
        images: label maps that were generated.
        height: rows of a picture.
        width: columns of a picture.
        seeds: of the noise; one draw of every label map for each.
        segmenter: what judged, empty if nothing did.
        notes: what a reader has to know to read the numbers right, such as how few images there are.
        seconds: part of the work (`generator`, `extractor`, `segmenter`, `data`, `scores`) -> seconds it took.
    """

    columns: tuple[Column, ...]
    references: tuple[Column, ...]
    dataset: str
    split: str
    images: int
    height: int
    width: int
    seeds: tuple[int, ...]
    segmenter: str = ""
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    def all_columns(self) -> tuple[Column, ...]:
        """Checkpoints first, then references."""
        return self.columns + self.references

    def metrics(self) -> list[str]:
        """Every metric that any column has, in the order in which they first come."""
        return list(dict.fromkeys(name for column in self.all_columns() for name in column.scores))

    def write_json(self, path: Path) -> None:
        """All of it, with every seed's value; nan and infinity become null."""
        content = {"format": FORMAT, **asdict(self)}
        for columns in (content["columns"], content["references"]):
            for column in columns:
                column["scores"] = {
                    name: {"values": [value if math.isfinite(value) else None for value in score["values"]]}
                    for name, score in column["scores"].items()
                }
        path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")

    def write_csv(self, path: Path) -> None:
        """One row a metric and column: metric, column, mean, spread, n, and the value of each seed."""
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["metric", "column", "mean", "spread", "n", *(f"seed_{seed}" for seed in self.seeds)])
            table.writerows(self._rows())

    def _rows(self) -> Iterator[list[str]]:
        for name in self.metrics():
            for column in self.all_columns():
                if name in column.scores:
                    score = column.scores[name]
                    numbers = [score.mean, score.spread, len(score.values), *score.values]
                    yield [name, column.name, *("" if math.isnan(number) else repr(number) for number in numbers)]


def read_json(path: Path) -> Comparison:
    """What `Comparison.write_json` wrote.

    Raises:
        ConfigurationError: no such file, or not one of this format.
    """
    try:
        content = migrated_results(json.loads(path.read_text(encoding="utf-8")))
        if content.pop("format") != FORMAT:
            raise ValueError(f"another format than {FORMAT}")
        for key in ("columns", "references"):
            content[key] = tuple(_column(column) for column in content[key])
        for key in ("seeds", "notes"):
            content[key] = tuple(content[key])
        return Comparison(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path}: not the results.json of an evaluation ({error}). `oasis evaluate CHECKPOINT --output DIR` "
            "writes one."
        ) from error


def _column(content: dict[str, object]) -> Column:
    scores: dict[str, dict[str, list[float | None]]] = content["scores"]  # type: ignore[assignment]
    read = {
        name: Score(tuple(math.nan if value is None else value for value in score["values"]))
        for name, score in migrated_metrics(scores).items()
    }
    return Column(**{**content, "scores": read})  # type: ignore[arg-type]
