"""Every yaml composes and instantiates; misspelt settings are refused."""

from pathlib import Path

import pytest
import torch
from hydra.errors import HydraException
from hydra.utils import instantiate
from layouts import write_mapillary
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
OPTIONS = sorted(
    f"{path.relative_to(CONF).parts[0]}={path.relative_to(CONF / path.relative_to(CONF).parts[0]).with_suffix('')}"
    for path in (*CONF.glob("*/*.yaml"), *CONF.glob("recipe/*/*.yaml"), *CONF.glob("speed/*/*.yaml"))
    if path.parent.name not in ("experiment", "local") and path.stem != "base"
)
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
SMALL = [
    "generator.channels=2",
    "discriminator.channels=4",
    "paths.output_dir=unused",
    "data.batch_size=1",
]


FILE = f"label_space.path={ROOT / 'oasis' / 'label_spaces' / 'camvid.yaml'}"
# Settings that an option cannot do without; `folder` has the classes of Mapillary Vistas.
NEEDED = {
    "label_space=file": [FILE],
    "label_space=mapillary": ["label_space.root=folder"],
    "data=mapillary": ["label_space.root=folder"],
    "discriminator=pretrained": ["discriminator.backbone.random_weights=true"],  # instead of a download
    **{
        f"{part}={name}": [f"model={name}"]
        for part in ("discriminator", "objective")
        for name in ("spade", "pix2pixhd")
    },
}


def build(cfg):
    """What train.py instantiates, short of the trainer's hardware."""
    encoding = instantiate(cfg.encoding)
    data = instantiate(cfg.data, encoding=encoding)
    model = instantiate(cfg.model, condition_channels=encoding.channels)
    callbacks = [instantiate(callback) for callback in cfg.callbacks.values() if callback is not None]
    return encoding, data, model, callbacks


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_builds(composed, option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_mapillary(tmp_path / "folder")
    cfg = composed(option, *NEEDED.get(option, []), *SMALL, "data.root=somewhere")
    OmegaConf.to_container(cfg, resolve=True)
    _, data, model, callbacks = build(cfg)
    model.check_size(data.height, data.width)
    unaveraged = option.startswith(("recipe=spade/", "recipe=pix2pixhd/"))  # as published
    assert [name for name, callback in cfg.callbacks.items() if callback is None] == ["ema"] * unaveraged
    assert len(callbacks) == len(cfg.callbacks) - unaveraged
    assert len(model.configure_optimizers()) == 2


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_builds(composed, experiment):
    cfg = composed(f"experiment={experiment}", *SMALL, "data.root=somewhere")
    _, data, model, _ = build(cfg)
    model.check_size(data.height, data.width)
    assert cfg.name == experiment


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_opens_with_its_question(experiment):
    lines = (CONF / "experiment" / f"{experiment}.yaml").read_text().splitlines()
    assert lines[0] == "# @package _global_"
    for line, opening in zip(lines[1:5], ("# Question:", "# Command:", "# Time:", "# Score:"), strict=True):
        assert line.startswith(opening)


def test_the_published_recipe(composed):
    cfg = composed("experiment=oasis_cityscapes", "paths.output_dir=unused", "data.root=somewhere")
    assert (cfg.data.height, cfg.data.width, cfg.data.batch_size) == (256, 512, 20)
    assert cfg.trainer.max_epochs == 200
    assert cfg.objective.label_mix_weight == 5
    assert cfg.callbacks.ema.decay == 0.999
    assert cfg.callbacks.ema.bn_batches == 50
    for network in ("generator", "discriminator"):
        assert cfg.model[f"{network}_optimizer"].lr == 4e-4
        assert cfg.model[f"{network}_optimizer"].betas == [0.0, 0.999]
    encoding, _, model, _ = build(cfg)
    assert sum(p.numel() for p in model.generator.parameters()) == 71_107_523
    assert sum(p.numel() for p in model.discriminator.parameters()) == 22_251_364
    assert encoding.channels == 35


def test_the_recommended_experiment_differs_from_the_published_one_in_what_it_shows_alone(composed):
    published, panoptic = (
        OmegaConf.to_container(composed(f"experiment={name}", "paths.output_dir=unused", "data.root=somewhere"))
        for name in ("oasis_cityscapes", "panoptic")
    )
    assert {name for name in published if published[name] != panoptic[name]} == {"name", "encoding", "generator"}
    assert panoptic["encoding"]["_target_"] == "oasis.encodings.InstanceNoise"
    ours, theirs = panoptic["generator"], published["generator"]
    assert {name for name in theirs if theirs[name] != ours[name]} == {"panoptic"}
    assert ours["panoptic"]["_target_"] == "oasis.models.PanopticSurroundings"


def test_recipes_reach_every_setting(composed):
    cfg = composed("recipe=oasis/coco_stuff", "paths.output_dir=unused")
    assert (cfg.data.height, cfg.data.width, cfg.data.batch_size, cfg.trainer.max_epochs) == (256, 256, 32, 100)
    assert (cfg.model.generator_optimizer.lr, cfg.model.discriminator_optimizer.lr) == (1e-4, 4e-4)
    assert (cfg.objective.label_mix_weight, cfg.callbacks.ema.decay) == (10, 0.9999)
    assert composed("recipe=oasis/ade20k", "paths.output_dir=unused").trainer.max_epochs == 200
    assert composed("trainer=cpu", "paths.output_dir=unused").data.batch_size == 1


@pytest.mark.parametrize(
    ("model", "rates", "betas", "batch_size", "parameters"),
    [
        ("spade", (1e-4, 4e-4), [0.0, 0.9], 32, (93_048_003, 5_601_410)),
        ("pix2pixhd", (2e-4, 2e-4), [0.5, 0.999], 1, (182_546_755, 5_603_202)),
    ],
)
def test_the_published_recipes_of_the_baselines(composed, model, rates, betas, batch_size, parameters):
    cfg = composed(f"model={model}", f"recipe={model}/cityscapes", "paths.output_dir=unused")
    assert (cfg.data.height, cfg.data.width, cfg.data.batch_size, cfg.trainer.max_epochs) == (256, 512, batch_size, 200)
    assert (cfg.schedule._target_, cfg.schedule.epochs) == ("oasis.training.LinearDecay", 100)
    assert cfg.objective.feature_matching_weight == 10
    for network, rate in zip(("generator", "discriminator"), rates, strict=True):
        assert cfg.model[f"{network}_optimizer"].lr == rate
        assert cfg.model[f"{network}_optimizer"].betas == betas
    with torch.device("meta"):
        built = instantiate(cfg.model, condition_channels=instantiate(cfg.encoding).channels)
    for network, count in zip((built.generator, built.discriminator), parameters, strict=True):
        assert sum(p.numel() for p in network.parameters()) == count


def test_recipes_of_spade(composed):
    ade = composed("model=spade", "recipe=spade/ade20k", "paths.output_dir=unused")
    assert (ade.encoding._target_, ade.data.height, ade.data.width) == ("oasis.encodings.Semantic", 256, 256)
    assert (ade.trainer.max_epochs, ade.schedule._target_) == (200, "oasis.training.LinearDecay")
    coco = composed("model=spade", "recipe=spade/coco_stuff", "paths.output_dir=unused")
    assert (coco.encoding._target_, coco.data.height, coco.data.width) == ("oasis.encodings.Boundary", 256, 256)
    assert (coco.trainer.max_epochs, coco.schedule._target_) == (100, "oasis.training.Constant")
    given = composed("model=spade", "encoding=panoptic", "paths.output_dir=unused")
    assert given.encoding._target_ == "oasis.encodings.Concat"


@pytest.mark.parametrize("typo", ["data.batchsize=4", "trainer.max_epoch=3", "generator.chanels=8"])
def test_a_misspelt_key_is_refused(composed, typo):
    with pytest.raises(HydraException, match=f"Key '{typo.split('=')[0].split('.')[1]}' is not in struct|Could not"):
        composed(typo)


def test_a_misspelt_option_lists_the_right_ones(composed):
    with pytest.raises(HydraException, match=r"(?s)Could not find 'encoding/semantik'.*semantic"):
        composed("encoding=semantik")
