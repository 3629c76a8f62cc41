"""Plans that were written down before the runs: the stage of a seed, and what is refused at the start."""

import json
import re

import pytest

from oasis.errors import ConfigurationError
from oasis.training import Preregistration

STAGES = {"pilot": [100, 101], "confirmation": [0, 1, 2]}
SETTING = (
    "preregistration={_target_:oasis.training.Preregistration,name:plan,arm:plan/semantic,"
    "stages:{pilot:[100],confirmation:[]}}"
)


def test_the_seed_decides_on_the_stage():
    plan = Preregistration("plan", "plan/aware", STAGES)
    assert [plan.stage_of(seed) for seed in (0, 2, 100)] == ["confirmation", "confirmation", "pilot"]
    assert plan.record(101) == {"name": "plan", "arm": "plan/aware", "stage": "pilot"}


def test_a_seed_that_is_not_of_the_plan_is_refused():
    plan = Preregistration("plan", "plan/aware", {**STAGES, "replication": []})
    told = "seed=7: the plan plan has no such seed (pilot: 100, 101; confirmation: 0, 1, 2; replication: none yet)."
    with pytest.raises(ConfigurationError, match=re.escape(told) + ".*preregistration.stages before its first run"):
        plan.stage_of(7)


def test_a_seed_of_two_stages_is_refused():
    with pytest.raises(ConfigurationError, match=r"stages: seed 100 of the plan plan is of pilot and of confirmation"):
        Preregistration("plan", "plan/aware", {**STAGES, "confirmation": [0, 100]})


def test_a_run_tells_its_plan_and_one_outside_of_it_does_not_start(fit, tmp_path):
    run = fit("planned", SETTING, "seed=100", "trainer.max_epochs=1", "trainer.limit_train_batches=1")
    told = json.loads((run / "summary.json").read_text())["preregistration"]
    assert told == {"name": "plan", "arm": "plan/semantic", "stage": "pilot"}
    with pytest.raises(ConfigurationError, match=r"seed=0: .*confirmation: none yet"):
        fit("outside", SETTING, "seed=0", "trainer.max_epochs=1")
    assert not list((tmp_path / "runs" / "test" / "outside").iterdir())
