"""Reports say how their numbers were measured, and warn where that differs between runs."""

import json

from oasis.studies import assemble, find_runs, read_runs_table, write_report, write_runs_table
from oasis.studies.report import compose

ONE, OTHER = "UNetSegmenter 0123, 19 classes", "UNetSegmenter 4567, 19 classes"


def study_of(folders, second):
    for seed, line in enumerate((ONE, second)):
        protocols = {"segmenter/pq": line, "segmenter/frechet": ONE}
        folders.summarized(f"semantic/{seed}", "semantic", seed, protocols=protocols)
    return find_runs([folders.root]).runs


def scores_section(runs):
    return compose(assemble(runs)).sections[0]


def test_one_line_for_metrics_of_one_protocol(folders):
    items = scores_section(study_of(folders, ONE)).items
    assert [item for item in items if ONE in item] == [f"Segmenter Fréchet, PQ: {ONE}."]


def test_different_protocols_are_a_warning(folders):
    warning, line, *_ = scores_section(study_of(folders, OTHER)).items
    assert warning.startswith("PQ was measured in 2 ways, so that runs cannot be compared by it")
    assert ONE in warning
    assert OTHER in warning
    assert line == f"Segmenter Fréchet: {ONE}."


def test_files_have_them(folders, tmp_path):
    runs = study_of(folders, OTHER)
    write_report(assemble(runs), tmp_path / "report", samples=0)
    (group,) = json.loads((tmp_path / "report" / "report.json").read_text())["groups"]
    assert group["protocols"] == {"segmenter/frechet": [ONE], "segmenter/pq": [ONE, OTHER]}
    write_runs_table(runs, tmp_path / "runs.csv")
    again = read_runs_table(tmp_path / "runs.csv")
    assert [run.protocols for run in again] == [run.protocols for run in runs]


def test_runs_that_know_none_are_as_before(folders, tmp_path):
    folders.summarized("semantic/0")
    write_runs_table(find_runs([folders.root]).runs, tmp_path / "runs.csv")
    assert "protocol" not in (tmp_path / "runs.csv").read_text()
