"""The results of an evaluation, and their files."""

import csv
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from oasis.errors import ConfigurationError
from oasis.migration import migrated_metrics, migrated_results

FORMAT = 1  # of the JSON; incremented when readers of the old one would misread the new


@dataclass(frozen=True)
class Score:
    """One number and its spread over seeds.

    Attributes:
        values: one for each noise seed, or each draw of pictures that were read; a single one for real photos. Of
            usefulness, one for each seed of the segmenters.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds; nan if any is."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds (n - 1); nan if there is only one, or one is not finite."""
        known = len(self.values) > 1 and all(map(math.isfinite, self.values))
        return statistics.stdev(self.values) if known else math.nan


@dataclass(frozen=True)
class Column:
    """The scores of one source of pictures.

    Attributes:
        name: unique in a comparison.
        scores: metric -> score. Metrics are called `fid`, `kid`, `segmenter/pq`, `segmenter/iou/car`,
            `diversity/ms_ssim`.
        origin: the checkpoint's path, or a description of the pictures.
        facts: further details, such as `encoding` or `batches seen`.
        draws: of pictures that were read, the number of each label map's; 0 = generated, once for each seed.
    """

    name: str
    scores: dict[str, Score]
    origin: str
    facts: dict[str, str] = field(default_factory=dict)
    draws: int = 0


@dataclass(frozen=True)
class Comparison:
    """Checkpoints, and pictures of other programs, measured side by side on one dataset.

    Attributes:
        columns: the checkpoints' and those of other pictures, in the order of the command line.
        references: the real-photo reference and the untrained baseline.
        dataset: the source of the label maps and photos.
        split: of the dataset.
        images: number of label maps that were scored.
        height: rows of a picture.
        width: columns of a picture.
        seeds: of the noise; one draw of every label map for each. Empty if nothing was generated.
        segmenter: name of the segmenter; empty if there was none.
        notes: caveats about the numbers, such as too few images.
        protocols: metric -> how it was measured, in a line; without those of which nothing is known.
        seconds: part of the work (`generator`, `pictures`, `extractor`, `segmenter`, `data`, `scores`) -> seconds that
            it took.
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
    protocols: dict[str, str] = field(default_factory=dict)

    def all_columns(self) -> tuple[Column, ...]:
        """What was compared first, then references."""
        return self.columns + self.references

    def metrics(self) -> list[str]:
        """Every metric of any column, in order of first appearance."""
        return list(dict.fromkeys(name for column in self.all_columns() for name in column.scores))

    def write_json(self, path: Path) -> None:
        """Write everything, with every seed's value; nan and infinity become null."""
        content = {"format": FORMAT, **asdict(self)}
        for columns in (content["columns"], content["references"]):
            for column in columns:
                column["scores"] = {
                    name: {"values": [value if math.isfinite(value) else None for value in score["values"]]}
                    for name, score in column["scores"].items()
                }
        path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")

    def write_csv(self, path: Path) -> None:
        """Write one row per metric and column: metric, column, mean, spread, n, protocol, and the value of each seed.

        Values of pictures that were read, and of several trainings, stand in the same places, in their order; where
        there are more of them than seeds, the others are headed `draw_3`, `draw_4`, ... by their number.
        """
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["metric", "column", "mean", "spread", "n", "protocol", *self._value_headings()])
            table.writerows(self._rows())

    def _value_headings(self) -> list[str]:
        most = max((len(score.values) for one in self.all_columns() for score in one.scores.values()), default=0)
        of_draws = (f"draw_{number}" for number in range(len(self.seeds), most))
        return [*(f"seed_{seed}" for seed in self.seeds), *of_draws]

    def _rows(self) -> Iterator[list[str]]:
        for name in self.metrics():
            for column in self.all_columns():
                if name in column.scores:
                    score = column.scores[name]
                    mean, spread, *values = (
                        "" if math.isnan(number) else repr(number)
                        for number in (score.mean, score.spread, *score.values)
                    )
                    count = str(len(score.values))
                    yield [name, column.name, mean, spread, count, self.protocols.get(name, ""), *values]


def read_json(path: Path) -> Comparison:
    """Read a file of `Comparison.write_json`.

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
