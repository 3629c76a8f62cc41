"""The result files of an evaluation."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oasis.errors import ConfigurationError
from oasis.evaluation.results import Column, Score, read_json


def test_json_gives_back_every_bit_and_nan(compared, tmp_path):
    broken = Column("broken", {"fid": Score((math.nan, 1 / 3, 1e-300))}, "elsewhere", {"a": "ü"})
    comparison = compared("a", "b")
    comparison = replace(comparison, columns=(*comparison.columns, broken))
    comparison.write_json(tmp_path / "results.json")
    again = read_json(tmp_path / "results.json")

    values = again.columns[2].scores["fid"].values
    assert math.isnan(values[0])
    assert values[1:] == (1 / 3, 1e-300)
    healthy = replace(again, columns=again.columns[:2])
    assert healthy == replace(comparison, columns=comparison.columns[:2])
    assert again.columns[2].facts == {"a": "ü"}


def test_json_is_json_that_others_read(compared, tmp_path):
    comparison = compared("a", references=())
    comparison = replace(comparison, columns=(Column("a", {"fid": Score((math.nan,))}, "x"),))
    comparison.write_json(tmp_path / "results.json")

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    content = json.loads((tmp_path / "results.json").read_text(), parse_constant=refuse)
    assert content["columns"][0]["scores"]["fid"]["values"] == [None]


def test_csv_has_a_row_for_every_score(compared, tmp_path):
    comparison = compared("a", "b, with a comma")
    comparison.write_csv(tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == sum(len(column.scores) for column in comparison.all_columns())
    found = {(row["metric"], row["column"]): row for row in table}
    for column in comparison.all_columns():
        for metric, score in column.scores.items():
            row = found[metric, column.name]
            assert int(row["n"]) == len(score.values)
            assert float(row["mean"]) == pytest.approx(np.mean(score.values), rel=1e-12)
            seeds = [row[f"seed_{seed}"] for seed in comparison.seeds]
            assert tuple(float(value) for value in seeds if value) == score.values
            if len(score.values) == 1:
                assert row["spread"] == ""
            else:
                assert float(row["spread"]) == pytest.approx(np.std(score.values, ddof=1), rel=1e-9)


def test_csv_leaves_nan_empty(compared, tmp_path):
    column = Column("a", {"fid": Score((math.nan, 1.0, 2.0))}, "x")
    replace(compared("a"), columns=(column,), references=()).write_csv(tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_text().splitlines()[1] == "fid,a,,,3,,,1.0,2.0"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6))
def test_spread_is_the_standard_deviation_of_a_sample(values):
    score = Score(tuple(values))
    assert score.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)
    assert score.spread == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("values", [(math.nan, 1.0), (math.nan, math.nan), (1.0, math.nan, 2.0)])
def test_nan_of_one_seed_makes_mean_and_spread_nan(values):
    assert math.isnan(Score(values).mean)
    assert math.isnan(Score(values).spread)


def test_a_single_value_has_no_spread():
    assert math.isnan(Score((1.0,)).spread)


def test_metrics_come_in_the_order_of_the_first_column_that_has_them(compared):
    comparison = compared("a")
    extra = Column("b", {"new": Score((1.0,)), "fid": Score((2.0,))}, "x")
    assert replace(comparison, columns=(*comparison.columns, extra)).metrics()[-1] == "new"
    assert comparison.metrics()[0] == "fid"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": 0}', '{"format": 1, "columns": 3}', '{"format": 1, "columns": [], "references": []}'],
)
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"other\.json: not the results\.json.*oasis evaluate"):
        read_json(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.json.*oasis evaluate"):
        read_json(tmp_path / "none.json")


def test_results_of_before_the_renaming_are_read_as_todays(compared, tmp_path):
    comparison = compared("a")
    comparison.write_json(tmp_path / "results.json")
    old = (tmp_path / "results.json").read_text().replace("segmenter/", "judge/").replace('"segmenter":', '"judge":', 1)
    assert "segmenter/" not in old
    (tmp_path / "results.json").write_text(old)
    assert read_json(tmp_path / "results.json").columns == comparison.columns
