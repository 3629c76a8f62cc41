"""Runs of the preregistered experiment: the union of several sessions, and the analysis of all of them."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from made_up_runs import make_run
from planned_runs import AWARE, SEMANTIC, planned_run, two_arms
from scipy import stats

from experiments.panoptic_networks import analysis, plan
from experiments.panoptic_networks.collect import collect
from experiments.panoptic_networks.supplement import COMBINATION, PARTS
from oasis.errors import ConfigurationError
from oasis.studies import read_runs_table, write_runs_table


@pytest.fixture
def table(tmp_path):
    def write(runs, name="runs.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_runs_table(runs, tmp_path / name)
        return tmp_path / name

    return write


def test_tables_of_two_sessions_become_one(folders, tmp_path, capsys):
    def train(name, arm, seed, found, **changes):
        record = {"name": plan.NAME, "arm": arm, "stage": "pilot"}
        encoding = "semantic" if arm == SEMANTIC else "aware"
        told = {"metrics": {plan.PRIMARY: found}, "preregistration": record, **changes}
        return folders.summarized(name, encoding, seed, **told)

    def add(folder, stage="pilot", table=tmp_path / "results" / "runs.csv"):
        return collect([folder], stage, table, [SEMANTIC, AWARE])

    result = tmp_path / "results" / "runs.csv"
    one = train("one/semantic", SEMANTIC, 100, 0.1).parent
    train("one/half", AWARE, 100, 0.1, finished=False)
    with pytest.raises(ConfigurationError, match="no seed of the stage pilot has all arms"):
        add(one)
    two = train("two/aware", AWARE, 100, 0.2).parent
    train("two/semantic", SEMANTIC, 100, 0.1)  # the same run, copied from the first session
    train("two/next", SEMANTIC, 101, 0.1)
    assert add(two) == 2
    assert "Seed 101 waits for panoptic_networks/panoptic_aware\n" in capsys.readouterr().out
    assert [(run.origin, run.metrics[plan.PRIMARY]) for run in read_runs_table(result)] == [
        ("panoptic_aware/seed_100 in runs.csv", 0.2),
        ("semantic/seed_100 in runs.csv", 0.1),
    ]
    before = result.read_text()
    again = train("three/aware", AWARE, 100, 0.3).parent
    with pytest.raises(ConfigurationError, match=r"aware with seed 100 was trained twice.*The first one counts"):
        add(again)
    short = train("four/aware", AWARE, 101, 0.3, batches=10).parent
    train("four/semantic", SEMANTIC, 101, 0.1)
    with pytest.raises(ConfigurationError, match=r"runs.csv: .*seed_101: trained under other.*\(batches: 20 / 10\)"):
        add(short)
    other = train("five/aware", AWARE, 102, 0.3, real_photos={plan.PRIMARY: 0.5}).parent
    train("five/semantic", SEMANTIC, 102, 0.3, real_photos={plan.PRIMARY: 0.4})
    with pytest.raises(ConfigurationError, match=r"Real photos get from 0\.4 to 0\.5"):
        add(other)
    wide = train("six/aware", AWARE, 103, 0.3, config={"discriminator": {"channels": 8}}).parent
    train("six/semantic", SEMANTIC, 103, 0.3)
    told = r"panoptic_aware: encoding and discriminator have other settings in .*seed_10[03] than in .*seed_10[03]"
    with pytest.raises(ConfigurationError, match=told):
        add(wide)
    assert result.read_text() == before
    with pytest.raises(ConfigurationError, match="no seed of the stage confirmation has all arms"):
        add(one, "confirmation", tmp_path / "none.csv")


def test_a_seed_is_not_put_together_from_two_machines(folders, tmp_path):
    for arm, device in ((SEMANTIC, "EPYC"), (AWARE, "Xeon")):
        record = {"name": plan.NAME, "arm": arm, "stage": "confirmation"}
        encoding = "semantic" if arm == SEMANTIC else "aware"
        told = {"metrics": {plan.PRIMARY: 0.1}, "preregistration": record, "device": device}
        folders.summarized(device, encoding, 0, **told)
    with pytest.raises(ConfigurationError, match=r"arms of seed 0 were not all .*move the folders seed_0 of all arms"):
        collect([folders.root], "confirmation", tmp_path / "runs.csv", [SEMANTIC, AWARE])


def test_the_analysis_is_worked_out_by_hand(table):
    semantic, aware = [0.05, 0.06, 0.07, 0.06], [0.15, 0.17, 0.16, 0.16]
    other = [planned_run("other", seed, value + 0.01 * seed) for seed, value in enumerate(semantic)]
    runs = table([*two_arms(semantic, aware), *other])
    text = analysis.table_of(runs, [SEMANTIC, AWARE, "other"], range(4))
    first, second = (stats.ttest_rel(ours, semantic).pvalue for ours in (aware, [0.05, 0.07, 0.09, 0.09]))
    rows = {cells[0]: cells[1:] for cells in _rows(text, "## Primary outcome", "## All outcomes")}
    assert "3 arms, 4 seeds, 1800 photos a run." in text
    assert rows["panoptic\\_aware"] == [
        *("4", r"**+10.00 \[+8.70, +11.30\]**", f"{first:.2g}", f"{2 * first:.2g}"),
        *("0.12", "0.25", "2.67", "yes", "**yes**"),
    ]
    assert rows["other"][2:] == [f"{second:.2g}", f"{second:.2g}", "0.25", "0.25", "1.25", "yes", "no"]
    assert "| real photos | 40.00 | 0.02 |" in text
    worse = [*two_arms(semantic, [], frechet=0.3), *two_arms([], aware, frechet=0.5)]
    ((_, *_, not_worse, success),) = _rows(
        analysis.table_of(table(worse), [SEMANTIC, AWARE], range(4)), "## Prim", "## All"
    )
    assert (not_worse, success) == ("no", "no")


def test_what_is_told_beside_the_test_is_worked_out_by_hand(table):
    arms = [plan.BASELINE, COMBINATION, *PARTS]
    found = ([0.10, 0.12, 0.11], [0.30, 0.36, 0.30], [0.14, 0.15, 0.16], [0.20, 0.21, 0.22])
    runs = [
        planned_run(arm, seed, value, frechet=0.5 + 0.001 * seed * place)
        for place, (arm, values) in enumerate(zip(arms, found, strict=True))
        for seed, value in enumerate(values)
    ]
    text = analysis.table_of(table(runs), arms, range(3))
    rows = {cells[0]: cells[1:] for cells in _rows(text, "## Beside the test", "## The combination")}
    pairs = 100 * (np.array(found[1]) - 2 * np.array(found[0]))
    interval = stats.t.interval(0.95, 2, pairs.mean(), stats.sem(pairs))
    assert _numbers(rows["combination"][0]) == pytest.approx([pairs.mean(), *interval], abs=0.0051)
    assert rows["combination"][1:4] == ["72", "1.00", "yes"]  # (32 - 11) of (40 - 11) points
    parts = {cells[0]: _numbers(cells[1])[0] for cells in _rows(text + "## End", "## The combination", "## End")}
    assert parts == pytest.approx(
        {"minus instance\\_noise": 17.0, "minus panoptic\\_aware": 11.0, "minus the sum of the gains": 7.0}, abs=0.0051
    )


def test_arms_of_a_seed_share_machine_and_code(table):
    def runs(commit):
        other = replace(planned_run(AWARE, 1, 0.3), facts={"arm": AWARE, "device": "EPYC", "commit": commit})
        same = replace(planned_run(SEMANTIC, 1, 0.3), facts={"arm": SEMANTIC, "device": "EPYC", "commit": "1234567890"})
        return [*two_arms([0.1], [0.2]), other, same]

    assert analysis.table_of(table(runs("1234567890")), [SEMANTIC, AWARE], range(2))
    told = r"arms of seed 1 were not all trained on one machine .*EPYC, commit 1234567; EPYC, commit abcdefg"
    with pytest.raises(ConfigurationError, match=told):
        analysis.table_of(table(runs("abcdefghij")), [SEMANTIC, AWARE], range(2))


def _numbers(cell):
    return [float(number) for number in re.findall(r"[-+][\d.]+", cell)]


def _rows(text, start, end):
    part = text[text.index(start) : text.index(end)]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("| ")][2:]


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        (two_arms([0.1, 0.2], [0.2]), "1 of 4 runs are missing: panoptic_networks/panoptic_aware with seed 1"),
        (two_arms([0.1, 0.2, 0.1], [0.2, 0.2]), "1 of 4 runs are not planned: panoptic_networks/semantic with seed 2"),
        (two_arms([0.1, 0.2], [0.2, 0.2], stage="pilot"), "is of plan panoptic_networks, stage pilot, not of"),
        ([*two_arms([0.1], [0.2]), planned_run(SEMANTIC, 0, 0.3)], "semantic with seed 0 is there 2 times"),
        (
            [*two_arms([0.1, 0.1], [0.2]), planned_run(AWARE, 1, 0.3, batches=900)],
            r"panoptic_aware/seed_1 .*trained under other settings than the rest \(batches: 1800 / 900\)",
        ),
        (two_arms([0.1, 0.1], [0.2, 0.2], batches=900), "runs of 900 photos, where the plan has 1800"),
        ([*two_arms([0.1], [0.2]), make_run("boundary", 0)], "is of plan None, stage None, not of panoptic_networks"),
        (
            two_arms([0.1, 0.1], [0.2, math.inf]),
            "1 of 4 runs are missing: panoptic_networks/panoptic_aware with seed 1",
        ),
        (two_arms([0.1, math.nan], [0.2, 0.2]), "1 of 4 runs are missing: panoptic_networks/semantic with seed 1"),
        (
            [
                replace(run, protocols={plan.PRIMARY: "4 views"} if run.seed else {})
                for run in two_arms([0.1] * 2, [0.2] * 2)
            ],
            "segmenter/touching_recall was measured in 2 ways: 4 views; not known",
        ),
    ],
    ids=["missing", "unplanned", "pilot", "twice", "budget", "short", "no plan", "inf", "nan", "protocol"],
)
def test_the_analysis_refuses_other_runs_than_the_planned_ones(table, runs, told):
    with pytest.raises(ConfigurationError, match=told):
        analysis.table_of(table(runs), [SEMANTIC, AWARE], range(2))


def test_the_analysis_refuses_seeds_of_the_pilot(table):
    table(two_arms([0.1], [0.2], stage="pilot"), "pilot/runs.csv")
    with pytest.raises(ConfigurationError, match=r"Seed 0 of the plan panoptic_networks is of two stages: pilot \("):
        analysis.table_of(table(two_arms([0.1, 0.1], [0.2, 0.2])), [SEMANTIC, AWARE], range(2))


@pytest.mark.skipif(not (plan.RESULTS / "runs.csv").is_file(), reason="the confirmation has not been run")
def test_the_committed_table_follows_from_the_committed_runs():
    arms, seeds = plan.planned_arms(), plan.planned_seeds("confirmation")
    runs, table = plan.RESULTS / "runs.csv", plan.RESULTS / "table.md"
    if left := plan.left_to_train(plan.runs_of_stage(runs, "confirmation").runs, arms, seeds):
        assert not table.exists()
        pytest.skip(f"the confirmation is not finished: seeds {sorted(left)} are left")
    assert table.read_text(encoding="utf-8") == analysis.table_of(runs, arms, seeds)
