"""The preregistered experiment: its arms, what it says of them, and its script."""

import re
import statistics

import pytest
from dry_runs import dry_run
from hydra.utils import instantiate
from omegaconf import OmegaConf
from planned_runs import AWARE, SEMANTIC, planned_run, two_arms

from experiments.panoptic_networks import plan
from oasis.errors import ConfigurationError
from oasis.studies import assemble, read_runs_table, write_runs_table
from oasis.studies.naming import with_options_in_names
from oasis.studies.run import Run
from oasis.studies.settings import choices_of_config, comparable_settings, variant

ARMS = plan.planned_arms()
MODELS = sorted(path.stem for path in (plan.RESULTS.parents[2] / "conf/experiment/panoptic_models").glob("*.yaml"))
README = (plan.RESULTS.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_builds(composed, arm):
    cfg = composed(f"experiment={arm}", "seed=100", "data.root=somewhere")
    assert instantiate(cfg.preregistration).record(100) == {"name": plan.NAME, "arm": arm, "stage": "pilot"}
    assert cfg.paths.output_dir == f"runs/{arm}/seed_100"
    model = instantiate(cfg.model, condition_channels=instantiate(cfg.encoding).channels)
    model.check_size(cfg.data.height, cfg.data.width)


def test_all_arms_see_as_many_photos_and_no_two_are_one(composed):
    runs = []
    for arm in ARMS:
        config = OmegaConf.to_container(composed(f"experiment={arm}", "data.root=somewhere"), resolve=True)
        choices, settings = choices_of_config(config), comparable_settings(config)
        run = Run(arm, choices, 0, 1, True, {"pq": 0.5}, settings=settings, variant=variant(config))
        runs.append(with_options_in_names(run))
    (group,) = assemble(runs).groups
    assert len(group.arms) == len(ARMS) == 8
    assert {(run.settings["trainer.limit_train_batches"], run.settings["data.batch_size"]) for run in runs} == {
        (1800, 1)
    }


def test_the_readme_names_the_plan():
    for part in README.split("## Results"):
        told = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
        assert sorted(f"{plan.NAME}/{arm}" for arm in told) == ARMS
    pilot, confirmation = (plan.planned_seeds(stage) for stage in ("pilot", "confirmation"))
    assert f"Seeds {pilot[0]} to {pilot[-1]}" in README
    assert f"**{confirmation[0]} to {confirmation[-1]}**" in README
    assert confirmation == list(range(12))
    with pytest.raises(ConfigurationError, match="replication: no such stage; there are: pilot, confirmation"):
        plan.planned_seeds("replication")


def test_the_pages_have_the_numbers_of_the_pilot():
    runs = read_runs_table(plan.table_of_stage(plan.RESULTS, "pilot"))
    choice = (plan.RESULTS.parents[2] / "docs" / "which-encoding.md").read_text(encoding="utf-8")
    chosen = {
        "combination": "**`instance_noise`, `generator/panoptic=aware`**",
        "panoptic_aware": "`generator/panoptic=aware`",
    }
    for arm in (name.split("/")[-1] for name in ARMS):
        own = [run for run in runs if plan.arm_of(run) == f"{plan.NAME}/{arm}"]
        found, things, quality, miou = (
            _spread([100 * run.metrics[f"segmenter/{name}"] for run in own], 1)
            for name in ("touching_recall", "pq_things", "rq_things", "miou")
        )
        far, color = (
            _spread([run.metrics[name] for run in own], decimals)
            for name, decimals in (("segmenter/frechet", 2), ("instances/color", 3))
        )
        untrained = statistics.fmean(100 * run.untrained[plan.PRIMARY] for run in own)
        minutes = statistics.fmean(run.costs["seconds"] / 60 for run in own)
        row = [f"`{arm}`", found, f"{untrained:.1f}", things, quality, color, far, miou, f"{minutes:.1f}"]
        assert f"| {' | '.join(row)} |" in README.replace("**", "")
        name = chosen.get(arm, f"`{arm}`")
        if f"| {name} |" in choice:
            assert f"| {' | '.join([name, found, things, far, miou])} |".replace("**", "") in choice.replace("**", "")


def _spread(values, decimals):
    return f"{statistics.fmean(values):.{decimals}f} ± {statistics.stdev(values):.{decimals}f}"


def test_only_what_is_missing_is_trained():
    done = [planned_run(SEMANTIC, 0, 0.1), planned_run(AWARE, 0, 0.1), planned_run(SEMANTIC, 1, 0.1)]
    left = plan.left_to_train(done, [SEMANTIC, AWARE], [0, 1, 2, 3])
    assert left == {1: (AWARE,), 2: (SEMANTIC, AWARE), 3: (SEMANTIC, AWARE)}


def test_the_script_trains_what_the_plan_leaves(tmp_path):
    (tmp_path / "pilot").mkdir()
    write_runs_table(two_arms([0.1, 0.1], [0.2], 100, stage="pilot"), tmp_path / "pilot" / "runs.csv")
    code, lines, told = dry_run(plan.NAME, RESULTS=str(tmp_path), ARMS="semantic panoptic_aware", SEEDS="100 101 103")
    assert code == 0, told
    assert [line.split()[:3] for line in lines] == [
        ["-m", f"experiment={AWARE}", "seed=101"],
        ["-m", f"experiment={SEMANTIC},{AWARE}", "seed=103"],
    ]
    assert "trainer.max_epochs=2" in lines[0].split()


def test_the_script_refuses_what_is_not_of_the_plan(tmp_path):
    code, _, told = dry_run(plan.NAME, RESULTS=str(tmp_path), ARMS="semantik")
    assert code == 1
    assert "panoptic_networks/semantik: not of the plan" in told


@pytest.mark.parametrize("arm", MODELS)
def test_every_other_model_builds_on_the_same_streets(composed, arm):
    planned = composed(f"experiment={plan.BASELINE}", "seed=100", "data.root=somewhere")
    cfg = composed(f"experiment=panoptic_models/{arm}", "data.root=somewhere")
    assert (cfg.data.streets, cfg.segmenter) == (planned.data.streets, planned.segmenter)
    for shared in ("data.height", "data.batch_size", "trainer.max_epochs", "trainer.limit_train_batches"):
        assert OmegaConf.select(cfg, shared) == OmegaConf.select(planned, shared)
    assert cfg.paths.output_dir == f"runs/panoptic_models/{arm}/seed_0"
    model = instantiate(cfg.model, condition_channels=instantiate(cfg.encoding).channels)
    model.check_size(cfg.data.height, cfg.data.width)


def test_the_other_scripts_train_and_evaluate_all_arms():
    code, words, told = dry_run(plan.NAME, "models.sh", PHOTOS="600")
    assert code == 0, told
    assert words[1] == f"experiment={','.join(f'panoptic_models/{arm}' for arm in MODELS)}"
    assert {"seed=0,1", "trainer.limit_train_batches=600", "trainer.max_epochs=2"} <= set(words)
    code, lines, told = dry_run(plan.NAME, "usefulness.sh", ARM="inade", SEEDS="0 1")
    assert code == 0, told
    evaluated = [line.split()[1].removeprefix("runs/panoptic_networks/") for line in lines]
    assert evaluated == ["semantic/seed_0", "inade/seed_0", "semantic/seed_1", "inade/seed_1"]
    assert all("--train-on-fakes" in line and "trainer.max_epochs=2" in line for line in lines)
