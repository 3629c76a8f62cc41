"""Every model through all commands; conf/model/*.yaml says which there are."""

import csv
import json

import pytest
import torch
from hydra.errors import InstantiationException
from model_sizes import FAMILIES, MODELS
from omegaconf import OmegaConf
from PIL import Image
from typer.testing import CliRunner

from oasis.app.model_pool import ModelPool
from oasis.checkpoint import restore
from oasis.cli import app
from oasis.errors import ConfigurationError
from oasis.segmenters import UNetSegmenter
from oasis.synthesis import open_label_map

ONCE = ("trainer.max_steps=4",)  # two optimizer steps a batch


def oasis(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(params=FAMILIES)
def model(request):
    return request.param


@pytest.fixture
def run(trained, model):
    return ready(trained(model, f"model={model}", *ONCE))


def ready(run):
    """With the clusters that a model with a style per segment draws from."""
    if restore(last(run)).generator.style_per_segment:
        oasis("styles", run)
    return run


def last(run):
    return run / "checkpoints" / "last.ckpt"


@pytest.fixture
def street(tiny):
    return tiny.instance("val", "town_000100_000019")


@pytest.mark.parametrize("name", [name for name in MODELS if name not in FAMILIES])
def test_small_models_are_the_published_ones_with_other_sizes(composed, name):
    def classes(model):
        cfg = OmegaConf.to_container(composed(f"model={model}"))
        return {key: node["_target_"] for key, node in cfg.items() if isinstance(node, dict) and "_target_" in node}

    assert classes(name) == classes(name.rsplit("_", 1)[0])


def test_generates(run, street, tmp_path):
    oasis("generate", run, street, "--output", tmp_path / "pictures")
    (picture,) = [path for path in (tmp_path / "pictures").rglob("*.png") if "sheet" not in path.name]
    assert Image.open(picture).size == (64, 32)


def test_is_evaluated(run, tmp_path):
    oasis("evaluate", run, "metrics=none", "segmenter=none", "-o", tmp_path, "--diversity-images", 2)
    (column,) = json.loads((tmp_path / "results.json").read_text())["columns"]
    assert "instances/color" in column["scores"]


def test_is_exported_as_weights(run, tmp_path):
    assert "largest difference 0.0e+00" in oasis("export", run, "--output", tmp_path / "model.safetensors")
    again = restore(tmp_path / "model.safetensors").generator.state_dict()
    for key, value in restore(last(run)).generator.state_dict().items():
        assert value.equal(again[key]), key


# OASIS is exported in tests/export, and pix2pixhd is a part of pix2pixhd_local; a program takes seconds.
@pytest.mark.parametrize("model", [name for name in FAMILIES if name not in ("oasis", "pix2pixhd")])
@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_is_exported_as_a_program(trained, model, tmp_path, suffix):
    run = trained(model, f"model={model}", *ONCE)
    assert "largest difference" in oasis("export", run, "--output", tmp_path / f"model{suffix}")


def test_prints_its_networks(fit, model, capsys):
    generator = restore(last(fit("run", f"model={model}", *ONCE, "summary=true"))).generator
    said = capsys.readouterr().out
    for name in (type(generator).__name__, "Discriminator"):
        assert name in said
    assert f"{sum(weight.numel() for weight in generator.parameters()):,}" in said


@pytest.mark.parametrize("average", [True, False])
def test_resumes_to_the_bit(fit, model, average):
    settings = [f"model={model}", *([] if average else ["callbacks.ema=null"])]
    complete = fit("complete", *settings, "trainer.max_steps=8")
    half = fit("half", *settings, "trainer.max_steps=4")
    resumed = fit("on", *settings, "trainer.max_steps=8", f"resume={last(half)}")
    expected, found = (torch.load(last(each), weights_only=True) for each in (complete, resumed))
    assert expected["progress"]["batches_seen"] == 4
    assert ("generator_ema" in expected) == average
    for part in ("state_dict", *["generator_ema"] * average):
        for name, value in expected[part].items():
            assert value.equal(found[part][name]), name
    if not average:  # what is generated, shown and measured is the generator itself
        assert list((complete / "samples").iterdir())
        assert restore(last(complete)).generator.state_dict().keys() == {
            name.removeprefix("generator.") for name in expected["state_dict"] if name.startswith("generator.")
        }


def test_the_app_compares_all(trained, street):
    runs = {name: ready(trained(name, f"model={name}", *ONCE)) for name in FAMILIES}
    pool = ModelPool.from_checkpoints(map(last, runs.values()), "cpu")
    assert len(pool.names) == len(FAMILIES)
    pictures = set()
    for name in pool.names:
        label_map = open_label_map(street, label_space=pool.model(name).label_space)
        pictures.add(pool.generate(name, label_map, seed=0).image.tobytes())
    assert len(pictures) == len(FAMILIES)


@pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")
def test_models_are_arms_of_a_study(fit, ids, tmp_path):
    UNetSegmenter(ids, channels=4, depth=3).save(tmp_path / "segmenter.pt")
    judged = ("metrics=segmenter", "segmenter=unet", f"segmenter.weights={tmp_path / 'segmenter.pt'}")
    for name in FAMILIES:
        fit(name, f"model={name}", *judged, "trainer.max_epochs=1")
    oasis("report", tmp_path / "runs", "--output", tmp_path / "report")
    with (tmp_path / "report" / "runs.csv").open(newline="") as file:
        assert sorted(row["choices/model"] for row in csv.DictReader(file)) == FAMILIES


@pytest.mark.parametrize("parts", [["model=oasis", "discriminator=spade"], ["model=spade", "objective=oasis"]])
def test_parts_that_do_not_go_together(fit, parts):
    with pytest.raises((ConfigurationError, InstantiationException), match="Objective does not go with"):
        fit("run", *parts)
