"""A number reads the same wherever it is printed."""

import math

import pytest
from made_up_runs import make_run

from oasis.evaluation.report import compose as evaluation_page
from oasis.evaluation.results import Column, Comparison, Score
from oasis.metrics.names import describe
from oasis.report.numbers import score_cell
from oasis.studies import assemble
from oasis.studies.report import compose as study_page

VALUES = {
    "fid": (47.7, 47.712, 0.0456),
    "kid": (0.04212, 0.0421, -1e-9),
    "segmenter/frechet": (0.0619, 0.0627, 1.41421356),
    "segmenter/pq": (0.31234, 0.2, 0.000049),
    "instances/color": (0.04083, 0.0412, 0.1),
}


def body(page):
    table = page.sections[0].tables[0]
    return [[cell.plain for cell in row] for row in table.rows]


@pytest.mark.parametrize("metric", VALUES)
def test_evaluate_and_report_print_the_same_score(metric):
    values = VALUES[metric]
    column = Column("semantic", {metric: Score(values)}, "x")
    (evaluated,) = body(evaluation_page(Comparison((column,), (), "d", "val", 9, 4, 8, (0, 1, 2)), ()))
    (studied,) = body(study_page(assemble([make_run(seed=s, metrics={metric: v}) for s, v in enumerate(values)])))
    assert evaluated[1] == studied[3]
    mean, spread = evaluated[1].split(" ± ")
    info, score = describe(metric), Score(values)
    assert float(mean) == pytest.approx(info.factor * score.mean, abs=0.5 * 10**-info.decimals)
    assert float(spread) == pytest.approx(info.factor * score.spread, abs=0.5 * 10**-info.decimals)


def test_a_lone_value_is_printed_as_in_a_table():
    for metric, values in VALUES.items():
        for value in values:
            assert describe(metric).show(value) == score_cell(describe(metric), value, math.nan).plain


def test_nan_is_a_dash_without_spread_and_rounding_leaves_no_minus_before_zero():
    assert score_cell(describe("fid"), math.nan, math.nan).plain == "-"
    assert score_cell(describe("kid"), -1e-9, 1e-9).plain == "0.00 ± 0.00"
    assert describe("segmenter/pq").show(0.0123, signed=True) == "+1.23"
    assert describe("segmenter/pq").show(-1e-9, signed=True) == "+0.00"


def test_mean_and_spread_of_an_unknown_metric_have_the_same_decimals():
    assert score_cell(describe("new/one"), 1.23456, 0.5).plain == "1.235 ± 0.500"
