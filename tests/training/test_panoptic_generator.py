"""Panoptic-aware generators and resized conditions through the commands."""

import pytest
import torch
from hydra.errors import HydraException
from PIL import Image
from typer.testing import CliRunner

from oasis.checkpoint import restore
from oasis.checkpoint.starting import start_from
from oasis.cli import app
from oasis.errors import ConfigurationError
from oasis.models import PanopticSurroundings, PlainSurroundings
from oasis.training.building import recompute_blocks

AWARE, AREA = "generator/panoptic=aware", "generator.condition_resize=area"


def last(run):
    return run / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize("model", ["oasis", "spade"])
def test_resumes_to_the_bit(fit, model):
    settings = [f"model={model}", AWARE, AREA]
    complete = fit("complete", *settings, "trainer.max_steps=8")
    half = fit("half", *settings, "trainer.max_steps=4")
    resumed = fit("on", *settings, "trainer.max_steps=8", f"resume={last(half)}")
    expected, found = (torch.load(last(each), weights_only=True) for each in (complete, resumed))
    assert expected["progress"]["batches_seen"] == 4
    for part in ("state_dict", "generator_ema"):
        assert any("fills." in name for name in expected[part])
        for name, value in expected[part].items():
            assert value.equal(found[part][name]), name


def test_a_checkpoint_generates_as_it_was_trained(trained, tiny, tmp_path):
    run = trained("run", AWARE, AREA, "trainer.max_steps=4")
    generator = restore(last(run)).generator
    assert generator.needs_segments
    assert isinstance(generator.surroundings, PanopticSurroundings)
    assert generator.resize.__name__ == "area"
    street = tiny.instance("val", "town_000100_000019")
    done = CliRunner().invoke(app, ["generate", str(run), str(street), "--output", str(tmp_path / "pictures")])
    assert done.exit_code == 0, done.output
    (picture,) = [path for path in (tmp_path / "pictures").rglob("*.png") if "sheet" not in path.name]
    assert Image.open(picture).size == (64, 32)


def test_starts_from_weights_without_segments(trained, built):
    checkpoint = last(trained("plain", "trainer.max_steps=4"))
    plain = torch.load(checkpoint, weights_only=True)["state_dict"]
    module, _ = built(AWARE)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert start_from(checkpoint, module) == ["generator", "discriminator"]
    for name, value in module.state_dict().items():
        assert value.equal(before[name] if name.startswith("generator.fills.") else plain[name]), name
    assert len(before) > len(plain)


def test_is_exported(trained, tmp_path):
    for name, setting in (("aware", AWARE), ("shares", AREA)):
        run = trained(name, setting, "trainer.max_steps=4")
        for suffix in (".safetensors", ".onnx"):
            done = CliRunner().invoke(app, ["export", str(run), "--output", str(tmp_path / f"{name}{suffix}")])
            assert done.exit_code == 0, done.output
            assert "largest difference" in done.output


def test_earlier_checkpoints_are_plain(trained):
    run = trained("run", "trainer.max_steps=4")
    saved = torch.load(last(run), weights_only=True)
    for key in ("panoptic", "condition_resize"):
        assert saved["config"]["generator"].pop(key)
    torch.save(saved, last(run))
    generator = restore(last(run)).generator
    assert isinstance(generator.surroundings, PlainSurroundings)
    assert generator.resize.__name__ == "nearest"


def test_recomputation_changes_nothing(built):
    losses = []
    for recompute in (False, True):
        torch.manual_seed(0)
        module, batch = built(AWARE, AREA, "encoding=instance_noise")
        if recompute:
            recompute_blocks(module.generator.blocks_to_recompute())
        module.train()
        loss = torch.stack(list(module.generator_loss(batch).values())).sum()
        loss.backward()
        losses.append([loss.detach(), *(weight.grad for weight in module.generator.parameters())])
    for expected, found in zip(*losses, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def test_prints_its_networks(fit, capsys):
    fit("run", AWARE, "trainer.max_steps=2", "summary=true")
    assert "fills.1" in capsys.readouterr().out


def test_misspelt_choices(built):
    with pytest.raises(HydraException, match=r"(?s)Could not find 'generator/panoptic/awere'.*aware.*plain"):
        built("generator/panoptic=awere")
    for setting, said in (
        ("generator.panoptic=aware", "generator/panoptic=aware"),
        ("generator.condition_resize=bilinear", "choose one of nearest, area"),
    ):
        with pytest.raises((ConfigurationError, HydraException)) as caught:
            built(setting)
        error = caught.value
        assert said in f"{error} {error.__cause__}"
