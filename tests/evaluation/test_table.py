"""The table on the terminal has all results, at any width."""

import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from oasis.evaluation.results import Column, Comparison, Score
from oasis.evaluation.rows import best_checkpoint, keys, rows
from oasis.evaluation.table import results_table
from oasis.metrics.names import describe, higher_is_better, in_order, split_class

ENCODINGS = ("semantic", "boundary", "position", "panoptic", "a", "b")
LONG = tuple(f"runs/oasis/encoding={name},seed=0/checkpoints/last" for name in ENCODINGS)
# The format of a value, repeated: factor and decimals.
PRINTED = {
    "FID ↓": ("fid", 1, 2),
    "KID \N{MULTIPLICATION SIGN}1000 ↓": ("kid", 1000, 2),
    "PQ % ↑": ("segmenter/pq", 100, 2),
}


def printed(comparison, width, **settings):
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(results_table(comparison, **settings))
    return file.getvalue()


def scored(*values_of_columns, metric="fid"):
    columns = tuple(Column(f"c{i}", {metric: Score(tuple(values))}, "x") for i, values in enumerate(values_of_columns))
    return Comparison(columns, (), "d", "val", 9, 4, 8, (0, 1))


def test_numbers_are_those_of_the_comparison(compared):
    comparison = compared("semantic", "panoptic")
    lines = printed(comparison, 200).splitlines()
    heading = next(line for line in lines if "semantic" in line)
    assert heading.split() == ["semantic", "panoptic", "│", "real", "photos", "untrained"]
    for title, (metric, factor, decimals) in PRINTED.items():
        line = next(line for line in lines if line.strip().startswith(title))
        expected = []
        for column in comparison.columns:
            values = factor * np.array(column.scores[metric].values)
            expected.append(f"{values.mean():.{decimals}f} ± {values.std(ddof=1):.{decimals}f}")
        expected += ["│", *(f"{factor * c.scores[metric].values[0]:.{decimals}f}" for c in comparison.references)]
        assert line.strip().removeprefix(title).split() == " ".join(expected).split()


def test_pictures_without_a_score():
    """Of a single photo without two things of a class, and without a segmenter."""
    comparison = Comparison((Column("a", {}, "x"),), (), "d", "val", 1, 4, 8, (0, 1, 2), notes=("No segmenter.",))
    text = printed(comparison, 100)
    assert "No score was measured, only pictures generated." in text
    assert "Note: No segmenter." in text


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize("long", [False, True])
def test_all_numbers_and_names_are_readable_at_any_width(compared, width, count, long):
    names = LONG[:count] if long else tuple("abcdef"[:count])
    comparison = compared(*names)
    text = printed(comparison, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    together = re.sub(r"\s", "", text)
    for name in names:
        assert name in together
    for row in rows(comparison, list(comparison.metrics())[:5]):
        for cell in (*row.cells, *row.references):
            assert re.search(rf"(?<![\d.]){re.escape(cell.text)}(?![\d.])", text), (row.name, cell)


def test_letters_lead_to_names(compared):
    comparison = compared(*LONG)
    together = re.sub(r"\s", "", printed(comparison, 80))
    for key, name in zip(keys(comparison), LONG, strict=True):
        assert f"{key}={name}" in together


def test_many_checkpoints_go_on_in_further_tables_with_the_references(compared):
    comparison = compared(*(f"{name}{i}" for i in range(5) for name in LONG))
    text = printed(comparison, 80)
    headings = [line.split() for line in text.splitlines() if re.search("│ +real +untrained *$", line)]
    assert text.count("FID ↓") == len(headings) > 1
    assert [word for heading in headings for word in heading[:-3]] == keys(comparison)
    for column in comparison.columns:
        assert f"{np.mean(column.scores['fid'].values):.2f}" in text


def test_classes_only_when_asked(compared):
    comparison = compared("a")
    assert "IoU car" not in printed(comparison, 120)
    text = printed(comparison, 120, per_class=True)
    mean = 100 * np.mean(comparison.columns[0].scores["segmenter/iou/car"].values)
    line = next(line for line in text.splitlines() if "IoU car" in line)
    assert f"{mean:.2f} ±" in line


def test_one_checkpoint_without_references_or_spread():
    text = printed(scored([47.7]), 80)
    assert re.search(r"FID ↓ +47\.70 *$", text, re.MULTILINE)
    assert "│" not in text


def test_nan_is_a_dash_and_what_was_not_measured_is_empty():
    comparison = scored([math.nan, 1.0], [2.0, 4.0])
    comparison = replace(comparison, columns=(*comparison.columns, Column("c2", {"kid": Score((0.001,))}, "x")))
    fid, kid = rows(comparison, ["fid", "kid"])
    assert [cell.text for cell in fid.cells] == ["-", "3.00", ""]
    assert [cell.spread for cell in fid.cells] == ["", "1.41", ""]
    assert [cell.text for cell in kid.cells] == ["", "", "1.00"]
    assert "nan" not in printed(comparison, 80)


def test_rounding_leaves_no_minus_before_zero():
    (row,) = rows(scored([-1e-9], metric="kid"), ["kid"])
    assert row.cells[0].text == "0.00"


@pytest.mark.parametrize(("value", "text"), [(1234.56, "1235"), (1.23456, "1.235"), (0.0123456, "0.01235"), (0.0, "0")])
def test_unknown_metrics_are_printed_with_four_digits(value, text):
    (row,) = rows(scored([value], metric="new/one"), ["new/one"])
    assert row.cells[0].text == text
    assert row.info.heading == "new/one"


def test_the_best_is_bold():
    comparison = scored([50.0, 51.0], [40.0, 41.0])
    file = io.StringIO()
    Console(file=file, width=80, force_terminal=True, color_system="standard").print(results_table(comparison))
    bold = re.findall(r"\x1b\[1;32m([^\x1b]*)", file.getvalue())
    assert [text.strip() for text in bold] == ["40.50 ± 0.71"]


@pytest.mark.parametrize(
    ("metric", "columns", "best"),
    [
        ("fid", [(50, 51), (40, 41)], 1),
        ("segmenter/pq", [(0.50, 0.51), (0.40, 0.41)], 0),
        ("fid", [(50, 52), (50.5, 52)], None),  # within the spreads
        ("fid", [(50,), (40,)], None),  # no spread is known
        ("fid", [(50, 51)], None),  # nothing to be better than
        ("fid", [(50, 51), (math.nan, 1.0)], None),
        ("fid", [(50, 51), (math.nan, 1.0), (60, 61)], 0),
        ("fid", [(50, 50), (50, 50)], None),
        ("segmenter/touching_count", [(9, 9), (3, 3)], None),  # no direction
        ("unheard/of", [(9, 9), (3, 3)], None),
    ],
)
def test_best_checkpoint(metric, columns, best):
    assert best_checkpoint(scored(*columns, metric=metric), metric) == best


@given(st.lists(st.lists(st.integers(0, 30), min_size=2, max_size=2), min_size=2, max_size=5))
def test_best_checkpoint_overlaps_no_other(columns):
    found = best_checkpoint(scored(*columns), "fid")
    intervals = [(np.mean(v) - np.std(v, ddof=1), np.mean(v) + np.std(v, ddof=1)) for v in columns]
    clear = [
        i
        for i, (_, high) in enumerate(intervals)
        if all(high < low - 1e-9 for j, (low, _) in enumerate(intervals) if j != i)
    ]
    near = any(abs(a[1] - b[0]) < 1e-6 for a in intervals for b in intervals if a != b)
    assert near or ([found] if found is not None else []) == clear


def test_names_cannot_command_the_terminal_nor_be_markup(compared):
    comparison = compared("[red]a[/red]", "\x1b[2Jb", notes=("[bold]\x1b]0;title\x07",))
    text = printed(comparison, 200)
    assert "[red]a[/red]" in text
    assert "[bold]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_it_says_what_the_spread_is_how_many_images_and_where_time_went(compared):
    text = printed(compared("a"), 200)
    assert "500 label maps of streets (val) at 64×128, segmented by unet" in text  # noqa: RUF001
    assert "standard deviation over 3 noise seeds (0, 1, 2)" in text
    assert "Note: few images" in text
    assert "40.0 s in total: generator 30.0 s (75%), segmenter 10.0 s (25%)." in text


def test_directions():
    assert higher_is_better("fid") is False
    assert higher_is_better("segmenter/kernel") is False
    assert higher_is_better("segmenter/pq") is True
    assert higher_is_better("segmenter/iou/car") is True
    assert higher_is_better("diversity/lpips/car") is True
    assert higher_is_better("kid_std") is None
    assert higher_is_better("val/loss") is None
    assert higher_is_better("some/thing/else") is None


def test_stand_ins_never_bear_the_name_of_what_they_stand_for():
    for name in ("segmenter/frechet", "segmenter/kernel"):
        assert not {"FID", "KID"} & set(describe(name).heading.split())


def test_classes_are_told_from_metrics():
    assert split_class("segmenter/iou/traffic light/left") == ("segmenter/iou", "traffic light/left")
    assert split_class("segmenter/pq") == ("segmenter/pq", None)
    assert split_class("fid") == ("fid", None)
    assert in_order(["segmenter/pq/car", "z", "segmenter/pq", "segmenter/iou/car", "fid"]) == [
        "fid", "segmenter/pq", "z", "segmenter/iou/car", "segmenter/pq/car",
    ]  # fmt: skip
