"""Every example of docs/extending.md, from a package outside this project, through all commands."""

import csv
import json
import sys

import pytest
import torch
from omegaconf import OmegaConf
from plugin_examples import EXAMPLES, write_examples
from typer.testing import CliRunner

from oasis import plugins
from oasis.checkpoint import restore
from oasis.cli import app
from oasis.errors import CheckpointError, ConfigurationError

OASIS = ["discriminator.channels=4", "discriminator.num_blocks=4"]
# What each kind adds to a run; all else stays as it is.
KINDS = {
    "generator": [*OASIS, "generator=pixel"],
    "discriminator, objective and model": ["model=pixel"],
    "encoding": ["model=pixel", "encoding=area"],
    "label space": ["model=pixel", "label_space=toy"],
    "dataset": ["model=pixel", "data=flat"],
    "segmenter": ["model=pixel", "segmenter=darkness", "metrics=segmenter"],
}
FILES = {
    "generator": "generator", "discriminator": "patch", "objective": "hinge", "encoding": "area", "label_space": None,
    "data": "flat", "segmenter": "guess",
}  # fmt: skip


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The examples as a package and a folder of yaml files; nothing of them is trusted yet."""
    write_examples(tmp_path / "outside")
    monkeypatch.syspath_prepend(tmp_path / "outside")
    monkeypatch.setattr(plugins, "_named", set())
    yield f"hydra.searchpath=[file://{tmp_path / 'outside' / 'my_conf'}]"
    for name in [name for name in sys.modules if name.split(".")[0] == "my_models"]:
        del sys.modules[name]


@pytest.fixture
def fit_plugin(plugin, composed, tiny, tmp_path):
    """Trains on the tiny dataset with nothing that only OASIS has."""
    from train import train

    def run(folder, *overrides, trust=True):
        output = tmp_path / "runs" / "test" / folder
        output.mkdir(parents=True, exist_ok=True)
        settings = [
            plugin, "data=cityscapes", f"data.root={tiny.root}", "data.height=32", "data.width=64", "data.batch_size=2",
            "data.num_workers=0", "trainer.accelerator=cpu", "trainer.log_every_n_steps=1",
            "callbacks.progress_bar=null", "callbacks.ema.bn_batches=2", "metrics=none", "name=test",
            "trainer.enable_progress_bar=false", f"paths.runs={tmp_path / 'runs'}", f"paths.output_dir={output}",
            *(["trust=[my_models]"] if trust else []),
        ]  # fmt: skip
        overrides = {each.split("=")[0]: each for each in [*settings, *overrides]}  # the last one counts
        train(composed(*overrides.values()))
        return output

    return run


def oasis(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_examples_are_short_and_one_file_and_one_yaml_each():
    for name, text in EXAMPLES.items():
        assert len(text.splitlines()) <= 30, name
    assert len(EXAMPLES) == 2 * len(FILES)  # a label space is a yaml alone, and a model is one more
    for kind, stem in FILES.items():
        assert stem is None or f"my_models/{stem}.py" in EXAMPLES
        assert [name for name in EXAMPLES if name.startswith(f"my_conf/{kind}/")], kind


def flattened(tiny, root):
    """The tiny dataset in the layout of the page's example."""
    for split in ("train", "val"):
        for photo in sorted((tiny.root / "leftImg8bit" / split).glob("*/*.png")):
            name = photo.name.removesuffix("_leftImg8bit.png")
            for kind, path in (("images", photo), ("labels", tiny.label(split, name)),
                               ("instances", tiny.instance(split, name))):  # fmt: skip
                target = root / split / kind / f"{name}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    return root


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_an_example_goes_through_all_commands(fit_plugin, plugin, tiny, tmp_path, monkeypatch, settings):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    if "data=flat" in settings:
        settings = [*settings, f"data.root={flattened(tiny, tmp_path / 'flat')}"]
    complete = fit_plugin("complete", *settings, "trainer.max_steps=8")  # two optimizer steps a batch: 4 batches
    half = fit_plugin("half", *settings, "trainer.max_steps=4")
    resumed = fit_plugin("on", *settings, "trainer.max_steps=8", f"resume={half / 'checkpoints' / 'last.ckpt'}")
    expected, found = (torch.load(run / "checkpoints" / "last.ckpt", weights_only=True) for run in (complete, resumed))
    assert expected["progress"]["batches_seen"] == 4
    for name, value in expected["state_dict"].items():
        assert value.equal(found["state_dict"][name]), name
    checkpoint = complete / "checkpoints" / "last.ckpt"

    maps = tmp_path / "maps"
    maps.mkdir()
    name = "town_000100_000019"
    for path in (tiny.label("val", name), tiny.instance("val", name)):
        (maps / path.name).write_bytes(path.read_bytes())
    trust = ("--trust", "my_models")
    oasis("generate", checkpoint, maps, "--output", tmp_path / "pictures", *trust)
    assert list((tmp_path / "pictures").rglob("*.png"))
    measured = ("segmenter=none", "metrics=none")
    if "segmenter=darkness" in settings:
        measured = (plugin, "segmenter=darkness", "metrics=segmenter")
    oasis("evaluate", checkpoint, *measured, "-o", tmp_path / "scores", "--diversity-images", 2, *trust)
    scores = json.loads((tmp_path / "scores" / "results.json").read_text())["columns"][0]["scores"]
    assert ("segmenter/miou" in scores) == ("segmenter=darkness" in settings)
    oasis("export", checkpoint, "--output", tmp_path / "model.safetensors", *trust)
    again = restore(tmp_path / "model.safetensors")
    for key, value in restore(checkpoint).generator.state_dict().items():
        assert value.equal(again.generator.state_dict()[key]), key


def test_examples_are_arms_of_a_study(fit_plugin, tmp_path):
    measured = ("segmenter=darkness", "metrics=segmenter", "trainer.max_epochs=1")
    for seed in (0, 1):
        small = (*OASIS, "generator.channels=2", "generator.num_blocks=4")
        fit_plugin(f"ours_{seed}", *small, *measured, f"seed={seed}")
        fit_plugin(f"theirs_{seed}", "model=pixel", *measured, f"seed={seed}")
    oasis("report", tmp_path / "runs", "--output", tmp_path / "report")
    with (tmp_path / "report" / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["choices/model"] for row in rows) == ["oasis", "oasis", "pixel", "pixel"]
    assert any("pixel" in path.read_text() for path in (tmp_path / "report").glob("*.html"))


def test_a_checkpoint_alone_widens_nothing(fit_plugin, monkeypatch):
    checkpoint = fit_plugin("run", *OASIS, "generator=pixel", "trainer.max_steps=2") / "checkpoints" / "last.ckpt"
    assert restore(checkpoint).generator.noise_dim == 4
    monkeypatch.setattr(plugins, "_named", set())
    with pytest.raises(CheckpointError, match=r"would call my_models\.generator\.PixelGenerator.*--trust my_models"):
        restore(checkpoint)
    monkeypatch.setattr(plugins, "installed_plugins", lambda: frozenset({"my_models"}))  # as by an entry point
    assert restore(checkpoint).generator.noise_dim == 4


def test_training_wants_its_parts_trusted(fit_plugin):
    with pytest.raises(ConfigurationError, match=r"generator\._target_=my_models\S+.*trust=\[my_models\]"):
        fit_plugin("run", *OASIS, "generator=pixel", trust=False)
    for given in ("trust=[my_modles]", "trust=my_modles"):
        with pytest.raises(ConfigurationError, match=r"no package 'my_modles' can be imported"):
            fit_plugin("run", *OASIS, "generator=pixel", given)


def test_a_name_that_leads_through_a_trusted_package_is_not_trusted(plugin):
    plugins.trust(["my_models"])
    assert plugins.is_trusted("my_models.generator.PixelGenerator")
    for target in ("my_models.generator.torch.load", "my_models.generator.Missing", "os.system", "my_modelsx.A"):
        assert not plugins.is_trusted(target), target
    with pytest.raises(ConfigurationError, match=r"my_models is trusted, but it defines no such"):
        plugins.require_trusted("my_models.generator.Missing", "generator._target_")
    with pytest.raises(ConfigurationError, match=r"package not_there is not installed"):
        plugins.require_trusted("not_there.Thing", "generator._target_")


def test_yaml_of_the_page_is_yaml():
    for name, text in EXAMPLES.items():
        if name.endswith(".yaml"):
            assert OmegaConf.create(text), name


def test_no_setting_of_one_model_reaches_another(plugin, composed):
    """Experiments size the model that they name; another one comes with its own settings alone."""
    for experiment in ("smoke", "demo", "study"):
        cfg = composed(plugin, f"experiment={experiment}", "model=pixel", "paths.output_dir=unused")
        assert set(cfg.generator) == {"_target_", "_partial_", "width", "noise_dim"}, experiment
        assert set(cfg.discriminator) == {"_target_", "_partial_", "width"}, experiment
        assert set(cfg.objective) == {"_target_"}, experiment
