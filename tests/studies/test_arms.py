"""Arms are named by the choices in which runs differ."""

import csv
import json

import pytest
from made_up_runs import make_run

from oasis.studies import assemble, find_runs, read_runs_table, write_report, write_runs_table
from oasis.studies.arms import Arm
from oasis.studies.overall import factors
from oasis.studies.pairs import comparisons

COMMON = {"data.height": 64, "batches": 20}
BROUGHT = {
    "a": {"objective.label_mix_weight": 5.0, "generator.channels": 16},
    "b": {"model._target_": "b", "generator.norm": "none", "objective.weight": 10.0},
}


def run_of(model, seed, encoding="semantic", **settings):
    return make_run(
        encoding,
        seed,
        0.3 + 0.1 * (model == "b") + 0.01 * seed,
        choices={"model": model},
        settings={**COMMON, **BROUGHT[model], **settings},
        origin=f"{model}/{encoding}/{seed}",
    )


def test_two_models_are_two_arms_of_one_group():
    study = assemble([run_of(model, seed) for model in "ab" for seed in range(3)])
    (group,) = study.groups
    assert not study.warnings
    assert group.choices == ("encoding", "discriminator", "model")
    assert [str(arm) for arm in group.arms] == [
        f"encoding=semantic, discriminator=oasis, model={model}" for model in "ab"
    ]
    (compared,) = comparisons(group)
    assert compared.title == "Differences from the model a"
    one = group.difference(*compared.pairs[0], "segmenter/pq")
    assert dict(one.values) == pytest.approx({0: 0.1, 1: 0.1, 2: 0.1})
    assert [factor.name for factor in factors(group)] == ["model", "seed"]


def test_encodings_are_compared_within_each_model_and_over_all():
    runs = [run_of(model, seed, name) for model in "ab" for name in ("semantic", "boundary") for seed in (0, 1)]
    (group,) = assemble(runs).groups
    titles = [one.title for one in comparisons(group)]
    assert titles == [
        "Differences from semantic, all models together", "Differences from semantic", "Differences from the model a",
    ]  # fmt: skip
    together, each, across = comparisons(group)
    assert [str(pair[0]) for pair in together.pairs] == ["boundary / oasis"]
    assert together.group.difference(*together.pairs[0], "segmenter/pq").pairs == 2
    assert [pair[0]["model"] for pair in each.pairs] == ["a", "b"]
    assert [pair[0].encoding for pair in across.pairs] == ["semantic", "boundary"]


def test_a_choice_that_never_differs_names_nothing():
    (group,) = assemble([run_of("a", seed) for seed in (0, 1)]).groups
    assert group.arms == [Arm.of("semantic")]
    assert str(group.arms[0]) == "semantic / oasis"


def test_what_a_choice_does_not_bring_still_separates_runs():
    runs = [run_of(model, seed) for model in "ab" for seed in (0, 1)]
    longer = assemble([*runs, run_of("b", 2, batches=40)])
    assert [len(group.runs) for group in longer.groups] == [4, 1]
    other = assemble([*runs, run_of("a", 2, **{"objective.label_mix_weight": 0.0})])
    assert [len(group.runs) for group in other.groups] == [4, 1]
    assert other.groups[1].unlike == ("objective.label_mix_weight: not set / 0.0",)


def test_a_report_and_its_tables_name_the_model(tmp_path):
    study = assemble([run_of(model, seed) for model in "ab" for seed in range(3)])
    files = {path.name: path for path in write_report(study, tmp_path, samples=0)}
    assert "| encoding | discriminator | model | n |" in files["report.md"].read_text()
    with files["table.csv"].open() as file:
        assert [row["model"] for row in csv.DictReader(file)] == ["a", "b"]
    arms = json.loads(files["report.json"].read_text())["groups"][0]["arms"]
    assert [arm["model"] for arm in arms] == ["a", "b"]
    assert assemble(read_runs_table(files["runs.csv"])).groups[0].arms == study.groups[0].arms


def test_runs_of_before_the_choices_stand_beside_new_ones(folders):
    folders.summarized("old", seed=0)
    choices = {"encoding": "boundary", "discriminator": "oasis", "model": "oasis", "hydra/launcher": "basic"}
    folder = folders.summarized("new", seed=0, choices=choices)
    content = json.loads((folder / "summary.json").read_text())
    del content["encoding"], content["discriminator"]
    (folder / "summary.json").write_text(json.dumps(content))
    found = find_runs([folders.root]).runs
    assert [dict(run.choices) for run in found] == [
        {"encoding": "boundary", "discriminator": "oasis", "model": "oasis"},
        {"encoding": "semantic", "discriminator": "oasis"},
    ]
    assert assemble(found).groups[0].choices == ("encoding", "discriminator")


def test_names_of_before_the_renaming_are_read_as_todays(folders, tmp_path):
    old = {"judge/pq": 0.25, "judge/iou/car": 0.5, "fid": 9.0}
    run = find_runs([folders.summarized("a", metrics=old, real_photos=old, untrained=old)]).runs[0]
    expected = {"segmenter/pq": 0.25, "segmenter/iou/car": 0.5, "fid": 9.0}
    assert run.metrics == run.real_photos == run.untrained == expected
    rows = [{"step": 20, "judge/pq": 0.3, "real_photos/judge/pq": 0.8, "untrained/judge/pq": 0.01}]
    run = find_runs([folders.plain("b", rows, config={"judge": {"_target_": "oasis.metrics.unet"}})]).runs[0]
    assert (run.metrics, run.real_photos) == ({"segmenter/pq": 0.3}, {"segmenter/pq": 0.8})
    assert run.untrained == {"segmenter/pq": 0.01}
    assert run.settings["segmenter._target_"] == "oasis.segmenters.UNetSegmenter.for_dataset"
    write_runs_table([run], tmp_path / "runs.csv")
    text = (tmp_path / "runs.csv").read_text().replace("segmenter/", "judge/")
    (tmp_path / "runs.csv").write_text(text)
    assert read_runs_table(tmp_path / "runs.csv")[0].metrics == run.metrics
