"""The first look at instances inside the networks: its arms, their folders, its script, and a tiny run of three."""

import re
from pathlib import Path

import pytest
from dry_runs import dry_run
from hydra.utils import instantiate
from omegaconf import OmegaConf

from experiments.panoptic_encodings.make_table import main as make_table
from experiments.panoptic_encodings.variety import main as measure_variety
from oasis.segmenters import UNetSegmenter
from oasis.studies import assemble, find_runs, read_runs_table, write_gallery
from oasis.studies.naming import with_options_in_names
from oasis.studies.run import Run
from oasis.studies.settings import choices_of_config, comparable_settings, variant

ROOT = Path(__file__).parents[1]
ARMS = sorted(path.stem for path in (ROOT / "conf" / "experiment" / "instances").glob("*.yaml"))
RANDOM = {"discriminator_pretrained": ["discriminator.backbone.random_weights=true"]}  # instead of a download


@pytest.fixture
def arm_of(composed):
    """A run of an arm, as its folder would be read."""

    def configured(arm, *overrides):
        cfg = composed(f"experiment=instances/{arm}", *RANDOM.get(arm, []), "data.root=somewhere", *overrides)
        config = OmegaConf.to_container(cfg, resolve=True)
        run = Run(
            origin=config["paths"]["output_dir"],
            choices=choices_of_config(config),
            seed=config["seed"],
            batches=1,
            finished=True,
            metrics={"segmenter/pq": 0.5},
            settings=comparable_settings(config),
            variant=variant(config),
        )
        return cfg, with_options_in_names(run)

    return configured


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.filterwarnings("ignore:.*the backbone knows nothing")
def test_every_arm_builds(arm_of, arm):
    cfg, run = arm_of(arm, "seed=1")
    assert cfg.name == "instances"
    assert run.origin == f"runs/instances/{arm}/seed_1"
    encoding = instantiate(cfg.encoding)
    model = instantiate(cfg.model, condition_channels=encoding.channels)
    model.check_size(cfg.data.height, cfg.data.width)


def test_all_arms_are_of_one_group_and_no_two_are_one(arm_of):
    runs = [arm_of(arm)[1] for arm in ARMS]
    study = assemble(runs)
    (group,) = study.groups
    assert not [warning for warning in study.warnings if "was run" in warning]
    assert len(group.arms) == len(ARMS)
    assert len({run.origin for run in runs}) == len(runs)


def test_each_arm_is_named_in_the_readme():
    text = (ROOT / "experiments" / "instances" / "README.md").read_text()
    explained, scored = (re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for part in text.split("## Results"))
    assert sorted(explained) == ARMS
    assert set(ARMS) - set(scored) == {"discriminator_pretrained"}  # which needs weights


def test_the_script_trains_every_arm(tmp_path):
    (tmp_path / "weights.pth").touch()
    code, words, _ = dry_run("instances", BACKBONE_WEIGHTS=str(tmp_path / "weights.pth"), PHOTOS="600")
    assert code == 0
    assert words[1] == f"experiment={','.join(f'instances/{arm}' for arm in ARMS)}"
    assert {"seed=0,1", "trainer.limit_train_batches=600", "trainer.max_epochs=2"} <= set(words)


def test_the_script_leaves_out_what_has_no_weights_and_refuses_what_is_unknown(tmp_path):
    missing = str(tmp_path / "missing.pth")
    code, words, said = dry_run("instances", BACKBONE_WEIGHTS=missing, ARMS="semantic discriminator_pretrained")
    assert (code, words[1]) == (0, "experiment=instances/semantic")
    assert f"Left out: discriminator_pretrained, since {missing} is missing" in said
    code, _, said = dry_run("instances", ARMS="semantik")
    assert code == 1
    assert "ARMS: no arm semantik; there are: boundary_classes condition_area" in said
    code, _, said = dry_run("instances", BACKBONE_WEIGHTS=missing, ARMS="discriminator_pretrained")
    assert code == 1
    assert "No arm is left" in said


@pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")
def test_from_three_trainings_to_tables_and_a_picture(fit, ids, tmp_path):
    UNetSegmenter(ids, channels=4, depth=3).save(tmp_path / "segmenter.pt")
    judged = ("metrics=segmenter", "segmenter=unet", f"segmenter.weights={tmp_path / 'segmenter.pt'}")
    once = ("trainer.limit_train_batches=1", "trainer.max_epochs=1")
    fit("semantic/seed_0", *judged, *once)
    fit("area/seed_0", "generator.condition_resize=area", *judged, *once)
    fit("aware/seed_0", "generator/panoptic=aware", *judged, *once)
    fit("inade/seed_0", "model=inade", *judged, *once)
    runs, names = tmp_path / "runs", ["inade", "oasis", "oasis condition_resize=area", "oasis panoptic=aware"]
    study = assemble(find_runs([runs]).runs)
    (group,) = study.groups
    assert sorted(arm["generator"] for arm in group.arms) == names
    assert not study.warnings
    write_gallery(group, tmp_path / "gallery.png", streets=1, every_arm=True)
    assert (tmp_path / "gallery.png").is_file()
    measure_variety([str(runs), "--output", str(tmp_path)])
    assert sorted(run.choices["generator"] for run in read_runs_table(tmp_path / "runs.csv")) == names
    assert len(list(tmp_path.glob("test/*/seed_0.json"))) == len(names)
    make_table(["--results", str(tmp_path), "--against", "semantic"])
    assert "Run group" not in (tmp_path / "table.md").read_text()
