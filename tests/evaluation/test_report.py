"""The report has all results, and no external resources."""

import base64
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from oasis.evaluation.plots import plot_classes, plot_seeds
from oasis.evaluation.report import write_report
from oasis.evaluation.results import Column, Score
from oasis.report.themes import DARK, LIGHT, color_of

HOSTILE = "<script>alert(1)</script>\"'&$\\frac{"
KID = "KID \N{MULTIPLICATION SIGN}1000 ↓"
VOID = {"meta", "img", "source", "br"}


class Page(HTMLParser):
    """Checks that tags are closed, and keeps the tables and what points to elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.tables, self.texts, self.ids = [], set(), [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert not [name for name, _ in attributes if name.startswith("on")], attributes
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "action", "data")]
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += text
        if self.open and self.open[-1] not in ("style", "title"):
            self.texts.append(text)


def report(comparison, tmp_path, samples=(), command="oasis evaluate a.ckpt"):
    path = tmp_path / "report.html"
    write_report(comparison, samples, path, command)
    text = path.read_text(encoding="utf-8")
    return Page(text), text


def cells(row):
    return [re.sub(r"\s+", " ", cell).strip() for cell in row]


@pytest.fixture
def grid():
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 255, (40, 90, 3), dtype=np.uint8))


def test_numbers_are_those_of_the_comparison(compared, tmp_path):
    comparison = compared("semantic", "panoptic")
    page, _ = report(comparison, tmp_path)
    table = {row[0].strip(): cells(row[1:]) for row in page.tables[0]}
    assert table["Metric"] == ["A semantic", "B panoptic", "real photos", "untrained"]
    for title, metric, factor in (("FID ↓", "fid", 1), (KID, "kid", 1000), ("PQ % ↑", "segmenter/pq", 100)):
        for cell, column in zip(table[title], comparison.all_columns(), strict=True):
            values = factor * np.array(column.scores[metric].values)
            spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
            assert cell == f"{values.mean():.2f}{spread}"
    classes = {row[0].strip(): cells(row[1:]) for row in page.tables[1]}
    assert list(classes) == ["Class", "road", "car"]
    mean = 100 * np.mean(comparison.columns[1].scores["segmenter/iou/car"].values)
    assert classes["car"][1].startswith(f"{mean:.2f} ±")


def test_it_tells_everything_else_that_is_known(compared, tmp_path, grid):
    page, _ = report(compared("a"), tmp_path, [("caption of it", grid)], "oasis evaluate 'my run.ckpt'")
    text = " ".join(page.texts)
    for expected in (
        "500 label maps of streets (val)", "3 noise seeds (0, 1, 2)", "few images", "oasis evaluate 'my run.ckpt'",
        "runs/a/last.ckpt", "encoding: semantic", "generator 30.0 s (75%)", "caption of it", "Fréchet distance",
    ):  # fmt: skip
        assert expected in text
    assert len(page.ids) == len(set(page.ids))


def test_nothing_comes_from_elsewhere(compared, tmp_path, grid):
    page, text = report(compared("a", "b"), tmp_path, [("samples", grid)])
    assert page.addresses
    assert all(address.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")) for address in page.addresses)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & page.tags
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert "url(" not in text
    for address in page.addresses:
        Image.open(io.BytesIO(base64.b64decode(address.split(",")[1], validate=True))).verify()


def test_every_name_is_text(compared, tmp_path, grid):
    comparison = compared(HOSTILE, "_b", references=(f"real {HOSTILE}",), notes=(HOSTILE,), dataset=HOSTILE)
    hostile = replace(comparison.columns[0], facts={HOSTILE: HOSTILE}, origin=HOSTILE)
    hostile.scores[f"segmenter/iou/{HOSTILE}"] = Score((0.1, 0.2, 0.3))
    hostile.scores[HOSTILE] = Score((0.1, 0.2, 0.3))
    comparison = replace(
        comparison, columns=(hostile, comparison.columns[1]), segmenter=HOSTILE, split=HOSTILE, seconds={HOSTILE: 1.0}
    )
    page, text = report(comparison, tmp_path, [(HOSTILE, grid)], HOSTILE)
    assert "script" not in page.tags
    assert "<script" not in text
    assert sum(HOSTILE in part for part in page.texts) >= 10


def test_nan_and_what_was_not_measured(compared, tmp_path):
    comparison = compared("a", "b")
    empty = Column("c", {"fid": Score((math.nan, 1.0, 2.0)), "segmenter/iou/car": Score((math.nan,) * 3)}, "x")
    page, _ = report(replace(comparison, columns=(*comparison.columns, empty)), tmp_path)
    table = {row[0].strip(): cells(row[1:]) for row in page.tables[0]}
    assert table["FID ↓"][2] == "-"
    assert table[KID][2] == ""
    assert "nan" not in " ".join(page.texts).lower()


def test_one_checkpoint_alone(tmp_path, compared):
    comparison = compared("a", references=(), seeds=(0,), notes=(), seconds={}, segmenter="")
    alone = Column("a", {"fid": Score((47.7,))}, "x")
    page, text = report(replace(comparison, columns=(alone,)), tmp_path, command="")
    assert cells(page.tables[0][-1]) == ["FID ↓", "47.70"]
    assert "Evaluation of a" in text
    assert set(page.ids) == {"scores", "plots", "sources", "definitions"}


def test_the_best_is_marked(compared, tmp_path):
    comparison = compared("a", "b", references=())
    columns = (Column("a", {"fid": Score((40.0, 41.0))}, "x"), Column("b", {"fid": Score((50.0, 51.0))}, "x"))
    _, text = report(replace(comparison, columns=columns, seeds=(0, 1)), tmp_path)
    assert re.findall(r'class=" strong"[^>]*><span class="value">([\d.]+)', text) == ["40.50"]
    assert '<section id="best">' in text
    _, text = report(replace(comparison, columns=(columns[0], replace(columns[0], name="b"))), tmp_path)
    assert 'class=" strong"' not in text
    assert 'id="best"' not in text


def test_samples_make_no_file_of_more_than_3_megabytes(compared, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (6 * 256, 4 * 512, 3), dtype=np.uint8)  # the worst to compress
    page, text = report(compared("a"), tmp_path, [(f"grid {i}", Image.fromarray(noise)) for i in range(2)])
    assert len(text) < 3_000_000
    assert sum(address.startswith("data:image/jpeg") for address in page.addresses) == 2


def test_small_samples_keep_their_size(compared, tmp_path, grid):
    page, _ = report(compared("a"), tmp_path, [("grid", grid)])
    (address,) = [address for address in page.addresses if address.startswith("data:image/jpeg")]
    seen = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))
    assert seen.size == grid.size
    assert np.abs(np.asarray(seen, dtype=float) - np.asarray(grid)).mean() < 12


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def generated(png, color):
    """Where a plot has about this colour."""
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return np.abs(pixels(png) - wanted).max(axis=2) < 12


def test_bars_of_classes_are_as_long_as_the_scores(compared):
    columns = tuple(Column(name, {"segmenter/iou/car": Score((v,))}, "x") for name, v in (("a", 0.8), ("b", 0.2)))
    png = plot_classes(replace(compared(), columns=columns, references=()), "segmenter/iou", LIGHT)
    bars = [generated(png, color_of(place)).sum(axis=1) for place in (0, 1)]
    assert bars[0].max() / bars[1].max() == pytest.approx(4, rel=0.05)


def test_dots_of_seeds_stand_in_the_order_of_their_values(compared):
    columns = tuple(Column(name, {"fid": Score((v,))}, "x") for name, v in (("a", 10.0), ("b", 40.0), ("c", 20.0)))
    png = plot_seeds(replace(compared(), columns=columns, references=()), "fid", LIGHT)
    a, b, c = (np.nonzero(generated(png, blend(color_of(place))))[1].mean() for place in range(3))
    assert (c - a) / (b - a) == pytest.approx(1 / 3, abs=0.03)


def blend(color, opacity=0.75):
    """A colour of this opacity on white."""
    return "#" + "".join(f"{round(255 + opacity * (int(color[i : i + 2], 16) - 255)):02x}" for i in (1, 3, 5))


def test_a_far_reference_does_not_squeeze_the_checkpoints(compared):
    def width(baseline):
        columns = tuple(Column(name, {"fid": Score((v,))}, "x") for name, v in (("a", 10.0), ("b", 12.0)))
        far = Column("untrained", {"fid": Score((baseline,))}, "x")
        png = plot_seeds(replace(compared(), columns=columns, references=(far,)), "fid", LIGHT)
        a, b = (np.nonzero(generated(png, blend(color_of(place))))[1].mean() for place in range(2))
        return b - a

    assert width(1000.0) > 0.9 * width(11.0)


def test_plots_take_the_colours_of_the_page(compared):
    for theme in (LIGHT, DARK):
        for png in (plot_seeds(compared("a"), "fid", theme), plot_classes(compared("a"), "segmenter/iou", theme)):
            assert generated(png, theme.paper).mean() > 0.5


def test_instances_have_tables_of_their_own_with_one_count_for_all(compared, tmp_path):
    comparison = compared("a", "b", references=())
    for place, column in enumerate(comparison.columns):
        for bins, count in (("16 to 63 pixels", 40.0), ("64 to 255 pixels", 7.0)):
            column.scores[f"segmenter/recall_by_area/{bins}"] = Score((0.25 * (place + 1), 0.25 * (place + 1)))
            column.scores[f"segmenter/count_by_area/{bins}"] = Score((count, count))
    page, _ = report(comparison, tmp_path)
    (table,) = [table for table in page.tables if "area" in table[0][0]]
    assert [cells(row) for row in table[2:]] == [
        ["16 to 63 pixels", "40", "25.00 ± 0.00", "50.00 ± 0.00"],
        ["64 to 255 pixels", "7", "25.00 ± 0.00", "50.00 ± 0.00"],
    ]
    assert "instances" in page.ids
    assert sum("16 to 63 pixels" in text for text in page.texts) == 1  # not among the classes
    assert "instances" not in report(compared("a"), tmp_path)[0].ids
