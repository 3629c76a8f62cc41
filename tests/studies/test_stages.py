"""Runs of preregistered experiments: plans and stages are told apart, tables keep them, seeds are used once."""

import pytest
from made_up_runs import make_run

from oasis.errors import ConfigurationError
from oasis.studies import assemble, find_runs, read_runs_table, write_runs_table
from oasis.studies.stages import PLAN, STAGE
from oasis.training import Preregistration

COMMON = {"data.height": 64, "data.width": 128, "data.batch_size": 1, "batches": 20, "trainer.max_epochs": 1}
RECORD = {"name": "plan", "arm": "plan/semantic", "stage": "pilot"}


def planned(stage, seed=0, name="plan", **changes):
    settings = {**COMMON, PLAN: name, STAGE: stage}
    return make_run(seed=seed, origin=f"{name}/{stage}/{seed}", settings=settings, **changes)


def test_plans_and_stages_are_shown_apart():
    runs = [planned("pilot", 1), planned("pilot", 2), planned("confirmation"), planned("confirmation", 3, "other")]
    study = assemble([*runs, make_run(seed=9, settings=COMMON, origin="none")])
    assert [len(group.runs) for group in study.groups] == [2, 1, 1, 1]
    assert [group.unlike for group in study.groups[1:]] == [
        ("preregistration.name: plan / not set", "preregistration.stage: pilot / not set"),
        ("preregistration.name: plan / other", "preregistration.stage: pilot / confirmation"),
        ("preregistration.stage: pilot / confirmation",),
    ]


def test_a_seed_of_two_stages_is_refused():
    assemble([planned("pilot", 3), planned("confirmation", 3, "other")])
    told = (
        r"Seed 3 of the plan plan is of two stages: pilot \(plan/pilot/3\) and confirmation \(plan/confirmation/3\)"
        ".*seeds that are new"
    )
    with pytest.raises(ConfigurationError, match=told):
        assemble([planned("pilot", 3), planned("confirmation", 2), planned("confirmation", 3)])


def test_both_ways_of_reading_a_folder_know_the_plan(folders):
    plan = {"name": "plan", "arm": "plan/semantic", "stages": {"pilot": [0, 1]}}
    config = {"preregistration": {"_target_": "oasis.training.Preregistration", **plan}}
    folders.summarized("summarized", config=config, preregistration=Preregistration(**plan).record(0))
    folders.plain("plain", [{"step": 20, "segmenter/pq": 0.3}], config={**config, "seed": 1})
    folders.summarized("outside", preregistration=None)
    runs = {run.origin.rsplit("/", 1)[-1]: run for run in find_runs([folders.root]).runs}
    for name in ("summarized", "plain"):
        assert (runs[name].settings[PLAN], runs[name].settings[STAGE]) == ("plan", "pilot")
        assert runs[name].facts["arm"] == "plan/semantic"
    assert PLAN not in runs["outside"].settings
    assert "arm" not in runs["outside"].facts


def test_a_table_keeps_the_plan(folders, tmp_path):
    for seed in (0, 1):
        folders.summarized(f"s{seed}", seed=seed, preregistration=RECORD)
    write_runs_table(find_runs([folders.root]).runs, tmp_path / "runs.csv")
    read = read_runs_table(tmp_path / "runs.csv")
    assert [(run.settings[PLAN], run.settings[STAGE], run.facts["arm"]) for run in read] == [
        ("plan", "pilot", "plan/semantic")
    ] * 2
    write_runs_table(read, tmp_path / "again.csv")
    again = (tmp_path / "again.csv").read_text().replace(" in runs.csv", "")
    assert again == (tmp_path / "runs.csv").read_text()


def test_tables_of_different_arms_can_be_combined(folders, tmp_path):
    """What a model brings is told apart from the rest in each table, though each has but one model."""

    def table(name, model, width, seeds, height=64):
        choices = {"encoding": "semantic", "discriminator": "oasis", "model": model, "generator": model}
        config = {"generator": {"channels": width}, "data": {"height": height}}
        for seed in seeds:
            folders.summarized(f"{name}/{seed}", seed=seed, choices=choices, config=config)
        write_runs_table(find_runs([folders.root / name]).runs, tmp_path / f"{name}.csv")
        return tmp_path / f"{name}.csv"

    ours, theirs = table("ours", "oasis", 16, (0, 1, 2)), table("theirs", "inade", 64, (0, 1))
    more = table("more", "oasis", 16, (3,))
    (group,) = assemble(find_runs([ours, theirs, more]).runs).groups
    assert sorted((run.choices["model"], run.seed) for run in group.runs) == [
        *(("inade", seed) for seed in (0, 1)),
        *(("oasis", seed) for seed in range(4)),
    ]
    wider, higher = table("wider", "oasis", 32, (5,)), table("higher", "inade", 64, (5,), height=32)
    groups = assemble(find_runs([ours, theirs, wider, higher]).runs).groups
    assert [group.unlike[0].split(":")[0] for group in groups[1:]] == ["data.height", "generator.settings"]


def test_a_damaged_plan_is_told(folders):
    folder = folders.summarized("torn", preregistration={"name": "plan"})
    found = find_runs([folder])
    assert "torn/summary.json: not the summary of a run (KeyError: 'stage')" in found.unreadable[0].reason
