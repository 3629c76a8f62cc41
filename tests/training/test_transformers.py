"""The generators with transformers through training and all commands."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from PIL import Image
from typer.testing import CliRunner

from oasis.checkpoint import restore
from oasis.cli import app
from oasis.models import SegmentTokenGenerator, TransformerGenerator

ONCE = ("trainer.max_steps=4",)  # two optimizer steps a batch
KINDS = {"segment_tokens": SegmentTokenGenerator, "transformer": TransformerGenerator}


def oasis(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def last(run):
    return run / "checkpoints" / "last.ckpt"


def run_of(trained, name):
    return trained(name, f"generator={name}", "model=oasis", *ONCE)


@pytest.mark.parametrize("model", ["oasis", "oasis_small", "oasis_tiny"])
@pytest.mark.parametrize("name", KINDS)
def test_every_size_can_be_built(composed, name, model):
    cfg = composed(f"model={model}", f"generator={name}")
    with torch.device("meta"):
        generator = instantiate(cfg.generator)(
            condition_channels=35, **({"num_classes": 35} if name == "segment_tokens" else {})
        )
    assert isinstance(generator, KINDS[name])
    assert generator.blocks[-1].conv_1.out_channels == cfg.generator.channels


@pytest.mark.parametrize("name", KINDS)
def test_resumes_to_the_bit(fit, name):
    settings = (f"generator={name}", "model=oasis")
    complete = fit("complete", *settings, "trainer.max_steps=8")
    half = fit("half", *settings, "trainer.max_steps=4")
    resumed = fit("on", *settings, "trainer.max_steps=8", f"resume={last(half)}")
    expected, found = (torch.load(last(each), weights_only=True) for each in (complete, resumed))
    assert isinstance(restore(last(complete)).generator, KINDS[name])
    for part in ("state_dict", "generator_ema"):
        for key, value in expected[part].items():
            assert value.equal(found[part][key]), key


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("options", [(), ("generator.fast=false",), ("model.recompute=true",)], ids=str)
def test_every_weight_learns(built, name, options):
    module, batch = built(f"generator={name}", "model=oasis", "generator.init_gain=1", *options)
    module.train()
    sum(module.generator_loss(batch).values()).backward()
    for key, weight in module.generator.named_parameters():
        assert weight.grad is not None, key
        assert weight.grad.isfinite().all(), key


def test_an_individual_is_resampled(trained, tiny, tmp_path):
    run = run_of(trained, "segment_tokens")
    stem = "town_000100_000019"
    oasis("generate", run, tiny.label("val", stem), "-o", tmp_path / "out", "--samples", 2, "--resample", "car")
    first, second = (np.asarray(Image.open(path)) for path in sorted((tmp_path / "out").glob("town*.png")))
    assert (first != second).any()


@pytest.mark.parametrize("name", KINDS)
def test_is_exported_as_weights(trained, tmp_path, name):
    run = run_of(trained, name)
    assert "largest difference 0.0e+00" in oasis("export", run, "--output", tmp_path / "model.safetensors")
    assert isinstance(restore(tmp_path / "model.safetensors").generator, KINDS[name])


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
@pytest.mark.parametrize("name", KINDS)
def test_programs(trained, tmp_path, name, suffix):
    """The command compares the picture of the file with the checkpoint's."""
    assert "largest difference" in oasis("export", run_of(trained, name), "-o", tmp_path / f"model{suffix}")
