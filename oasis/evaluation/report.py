"""The results as one HTML file that can be sent to a colleague."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from oasis.evaluation.plots import plot_classes, plot_seeds
from oasis.evaluation.results import Comparison
from oasis.evaluation.rows import (
    Row,
    class_metrics,
    keys,
    meaning_of_spread,
    measured,
    rows,
    summary_metrics,
    time_split,
)
from oasis.evaluation.themes import DARK, LIGHT, color_of
from oasis.metrics.names import MetricInfo, describe_family, split_class

_SAMPLES_BYTES = 1_750_000  # of all sample grids together: base64 and plots bring the file to less than 3 MB
# Ways to make sample grids smaller, tried in turn: JPEG quality, and by how much to shrink.
_LADDER = ((92, 1.0), (85, 1.0), (75, 1.0), (85, 0.75), (80, 0.6), (75, 0.5), (75, 0.35), (70, 0.25))
_PLOTTED_FAMILIES = ("segmenter/iou", "segmenter/pq")


@dataclass(frozen=True)
class Picture:
    """A picture inside the page.

    Attributes:
        caption: what is to be seen.
        light: data URI.
        dark: the same for a dark page, empty where there is no other.
    """

    caption: str
    light: str
    dark: str = ""


@dataclass(frozen=True)
class Family:
    """The metrics of single classes that belong together.

    Attributes:
        info: what is known of them.
        rows: class name and row.
    """

    info: MetricInfo
    rows: tuple[tuple[str, Row], ...]


def write_report(
    comparison: Comparison, samples: Sequence[tuple[str, Image.Image]], path: Path, command: str = ""
) -> None:
    """Write the report: tables, plots, samples and definitions in one file without scripts or links to elsewhere.

    Args:
        comparison: what was measured.
        samples: caption and grid of pictures; the first is open on the page, the others are to be opened. They become
            JPEGs small enough for the file to stay under 3 MB.
        path: the HTML file to write.
        command: the command line that made it, for those who want to do it again.
    """
    # Names of checkpoints, classes and files are put into the page: autoescape keeps them text.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(_content(comparison, samples, command))
    path.write_text(page, encoding="utf-8")


def _content(comparison: Comparison, samples: Sequence[tuple[str, Image.Image]], command: str) -> dict[str, object]:
    """What the template fills in."""
    summary = rows(comparison, summary_metrics(comparison))
    families = [_family(comparison, family, names) for family, names in class_metrics(comparison).items()]
    return {
        "comparison": comparison,
        "columns": [
            (key, color_of(place), column)
            for place, (key, column) in enumerate(zip(keys(comparison), comparison.columns, strict=True))
        ],
        "measured": measured(comparison),
        "meaning_of_spread": meaning_of_spread(comparison),
        "summary": summary,
        "best": list(_best(comparison, summary)),
        "plots": list(_seed_plots(comparison, summary)),
        "class_plots": list(_class_plots(comparison)),
        "families": families,
        "samples": _sample_pictures(samples),
        "time": list(time_split(comparison)),
        "total": sum(comparison.seconds.values()),
        "command": command,
        "color_of": color_of,
    }


def _best(comparison: Comparison, summary: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """Checkpoint and the metrics in which it is clearly the best."""
    for place, column in enumerate(comparison.columns):
        titles = [row.info.title for row in summary if row.cells[place].best]
        if titles:
            yield column.name, titles


def _family(comparison: Comparison, family: str, names: Sequence[str]) -> Family:
    classes = [split_class(name)[1] or "" for name in names]
    return Family(describe_family(family), tuple(zip(classes, rows(comparison, names), strict=True)))


def _seed_plots(comparison: Comparison, summary: Sequence[Row]) -> Iterator[Picture]:
    for row in summary:
        if row.info.higher_is_better is not None and any(cell.mean for cell in row.cells):
            light, dark = (_uri("png", plot_seeds(comparison, row.name, theme)) for theme in (LIGHT, DARK))
            yield Picture(row.info.heading, light, dark)


def _class_plots(comparison: Comparison) -> Iterator[Picture]:
    for family in class_metrics(comparison):
        if family in _PLOTTED_FAMILIES:
            light, dark = (_uri("png", plot_classes(comparison, family, theme)) for theme in (LIGHT, DARK))
            yield Picture(f"{describe_family(family).title} of each class", light, dark)


def _sample_pictures(samples: Sequence[tuple[str, Image.Image]]) -> list[Picture]:
    """As JPEGs, of the best quality at which all of them together are small enough."""
    files: list[bytes] = []
    for quality, scale in _LADDER:
        files = [_jpeg(picture, quality, scale) for _, picture in samples]
        if sum(map(len, files)) <= _SAMPLES_BYTES:
            break
    return [Picture(caption, _uri("jpeg", file)) for (caption, _), file in zip(samples, files, strict=True)]


def _jpeg(picture: Image.Image, quality: int, scale: float) -> bytes:
    file = io.BytesIO()
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture if scale == 1 else picture.resize(size, Image.Resampling.LANCZOS)
    # Full colour resolution: label maps are nothing but edges between colours. Not `optimize`: Pillow then wants to
    # write all at once, and fails at noise, which does not fit into the buffer that it takes for it.
    small.convert("RGB").save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
