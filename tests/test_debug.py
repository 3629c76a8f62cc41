"""`debug=` and the settings of one machine, conf/local."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from run_files import csv_rows

from oasis.data import LabelMapDataModule
from oasis.errors import ConfigurationError
from oasis.training import GANModule

ROOT = Path(__file__).parents[1]


@pytest.fixture
def seen(monkeypatch):
    """Names of the samples of each training batch."""
    names = []
    encode = LabelMapDataModule.encode

    def noting(self, sample, positions=None, seed=None):
        if positions is not None:
            names.append(list(sample["name"]))
        return encode(self, sample, positions, seed)

    monkeypatch.setattr(LabelMapDataModule, "encode", noting)
    return names


def test_one_batch_of_everything(fit, seen):
    run = fit("run", "debug=one_batch")
    assert len(seen) == 1
    trained, validated = csv_rows(run)
    assert trained["generator/adversarial"]
    assert validated["val/generator_adversarial"]
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert len(list((run / "samples").glob("*.png"))) == 1


def test_overfit_trains_on_the_same_four_samples(fit, seen):
    fit("run", "debug=overfit", "trainer.max_epochs=3", "callbacks.image_logger=null")
    assert len(seen) == 6
    assert seen[:2] == seen[2:4] == seen[4:]
    assert len({name for batch in seen for name in batch}) == 4


def test_profile_leaves_a_table_in_the_run_s_folder(fit):
    run = fit("run", "debug=profile", "trainer.limit_train_batches=1", "trainer.limit_val_batches=0")
    assert "run_training_batch" in (run / "fit-profile.txt").read_text()


def test_detect_anomalies_checks_every_backward_pass(fit, monkeypatch):
    checking = []
    optimizers = GANModule.optimizers

    def noting(self, *arguments, **named):
        checking.append(torch.is_anomaly_enabled())
        return optimizers(self, *arguments, **named)

    monkeypatch.setattr(GANModule, "optimizers", noting)
    fit("run", "debug=detect_anomalies", "trainer.max_epochs=1", "trainer.limit_train_batches=1")
    assert checking
    assert all(checking)
    assert not torch.is_anomaly_enabled()


DEBUGS = ["one_batch", "overfit", "profile"]


@pytest.mark.parametrize("debug", DEBUGS)
def test_a_run_that_debugs_is_not_one_to_resume(composed, debug):
    assert composed("experiment=smoke", f"debug={debug}").name == "debug"
    assert composed("experiment=smoke", "debug=detect_anomalies").name == "smoke"


@pytest.mark.parametrize("debug", DEBUGS)
@pytest.mark.parametrize(
    "experiment", ["smoke", "study", "attempt_study", "instances/semantic", "panoptic_networks/semantic",
                   "panoptic_models/spade_semantic", "models"],
)  # fmt: skip
def test_a_run_that_debugs_is_in_a_folder_of_its_own_and_of_no_plan(composed, debug, experiment):
    cfg = composed(f"experiment={experiment}", f"debug={debug}")
    assert re.fullmatch(r"runs/debug/\d{4}-[\d_-]+", cfg.paths.output_dir)
    assert cfg.preregistration is cfg.callbacks.summary.preregistration is None
    found = OmegaConf.to_container(HydraConfig.get().sweep, resolve=False)
    composed("experiment=smoke")  # for whose sweeps `FoldersOfSweeps` makes folders named after settings
    assert found == OmegaConf.to_container(HydraConfig.get().sweep, resolve=False)


@pytest.mark.parametrize(
    ("debug", "settings"),
    [
        ("one_batch", ("model=spade", "recipe=spade/cityscapes")),
        ("one_batch", ("model=pix2pixhd", "recipe=pix2pixhd/cityscapes")),
        *((debug, ("schedule=linear_decay", "schedule.epochs=99", "callbacks.ema=null")) for debug in DEBUGS),
    ],
)
def test_a_run_with_a_long_decay_and_without_an_average_is_debugged(fit, debug, settings):
    run = fit("run", *settings, f"debug={debug}", "trainer.max_epochs=1", "trainer.limit_train_batches=1")
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert OmegaConf.load(run / "config.yaml").callbacks.ema is None


def test_no_segmenter_is_none_whatever_weights_an_experiment_names(fit):
    run = fit("run", "segmenter=none", "+segmenter.weights=segmenter.pt", "debug=one_batch")
    assert OmegaConf.load(run / "config.yaml").segmenter is None


@pytest.mark.parametrize("setting", ["+callbacks.emma.decay=0.9", "callbacks.ema=false"])
def test_what_is_no_callback_is_refused(fit, setting):
    with pytest.raises(ConfigurationError, match=r"callbacks\.emm?a=.*no _target_.*null switches .* ema, image_logger"):
        fit("run", setting)


def test_settings_of_a_machine_win_over_experiments_and_lose_to_debug_and_the_command_line(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "conf" / "local").mkdir()
    settings = "# @package _global_\nname: mine\nseed: 5\ndata: {height: 96, num_workers: 3}\n"
    for name in ("default", "other"):
        (tmp_path / "conf" / "local" / f"{name}.yaml").write_text(settings.replace("5", str(len(name))))
    GlobalHydra.instance().clear()
    monkeypatch.delenv("PANOPTIC_OASIS_LOCAL")
    with initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"):
        cfg = compose("train", overrides=["experiment=smoke", "debug=one_batch", "seed=9"])
        assert (cfg.name, cfg.seed, cfg.data.height, cfg.data.num_workers) == ("debug", 9, 96, 0)
        assert compose("train").seed == len("default")
        monkeypatch.setenv("PANOPTIC_OASIS_LOCAL", "other")
        assert compose("train").seed == len("other")
        monkeypatch.setenv("PANOPTIC_OASIS_LOCAL", "none")
        assert compose("train").seed == 0
