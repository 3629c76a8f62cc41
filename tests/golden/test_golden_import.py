"""The official outputs, through all of `oasis import-official`: file -> checkpoint -> restored -> generated."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import typer
from hydra.utils import instantiate
from official_states import discriminator_shapes, generator_shapes, made_up
from typer.testing import CliRunner

from oasis.checkpoint import load, restore
from oasis.cli.import_official import import_official
from oasis.synthesis import Synthesizer


def imported(tmp_path, *arguments):
    app = typer.Typer()
    app.command()(import_official)
    output = tmp_path / "imported.ckpt"
    done = CliRunner().invoke(app, [*map(str, arguments), "--output", str(output)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return output


def generated(path, label, noise):
    restored = restore(path)
    condition = restored.encoding(label, torch.zeros_like(label))
    assert condition.equal(F.one_hot(label, condition.shape[1]).permute(0, 3, 1, 2).float())
    with torch.no_grad():
        return restored.generator(condition, noise)


def saved(path, shapes, sigmas):
    torch.save(made_up(shapes, sigmas), path)
    return path


def test_generator(inputs, stored, deviation, tmp_path):
    file = saved(tmp_path / "best_EMA.pth", generator_shapes(35), stored["sigma_G35"])
    assert deviation("generator_eval", generated(imported(tmp_path, file), inputs.label, inputs.noise)) < 1e-4


def test_generator_without_noise(inputs, stored, deviation, tmp_path):
    file = saved(tmp_path / "best_EMA.pth", generator_shapes(20, noise=0), stored["sigma_G20"])
    image = generated(imported(tmp_path, file), inputs.label % 20, None)
    assert deviation("generator_eval_20_no_noise", image) < 1e-4


def test_discriminator(inputs, stored, deviation, tmp_path):
    file = saved(tmp_path / "best_G.pth", generator_shapes(35, channels=1, spade=2), None)
    other = saved(tmp_path / "best_D.pth", discriminator_shapes(35), stored["sigma_D35"])
    checkpoint = load(imported(tmp_path, file, "--discriminator", other))
    discriminator = instantiate(checkpoint["config"]["discriminator"])(num_classes=35)
    weights = checkpoint["state_dict"]
    discriminator.load_state_dict({k.removeprefix("discriminator."): v for k, v in weights.items() if k[0] == "d"})
    with torch.no_grad():
        assert deviation("discriminator_eval", discriminator.eval()(inputs.image).logits) < 1e-4


def test_official_file(inputs, deviation, parity_folder, tmp_path):
    image = generated(imported(tmp_path, parity_folder / "tiny_EMA.pth"), inputs.label, inputs.noise)
    assert deviation("generator_eval", image) < 1e-4


def test_official_file_without_noise(inputs, deviation, parity_folder, tmp_path):
    image = generated(imported(tmp_path, parity_folder / "tiny_20_no_noise_EMA.pth"), inputs.label % 20, None)
    assert deviation("generator_eval_20_no_noise", image) < 1e-4


# SPADE and pix2pixHD: from the file to the picture of a Synthesizer


@pytest.fixture
def baseline_picture(baseline_inputs, tmp_path):
    """The first map's picture with an imported file, (64, 128, 3) in [0, 255]."""

    def generate(path, noise=None):
        checkpoint = imported(tmp_path, path, "--height", 64, "--width", 128)
        restored = restore(checkpoint)
        # In the made-up map, classes of stuff have instances too.
        space = dataclasses.replace(restored.label_space, things=frozenset(range(35)))
        restored = dataclasses.replace(restored, label_space=space, encoding=type(restored.encoding)(space))
        synthesizer = Synthesizer(restored, 64, 128, "imported", device="cpu")
        if noise is not None:
            synthesizer.generator.register_forward_pre_hook(lambda _, inputs: (inputs[0], noise))
        label, instance = baseline_inputs.label[0].numpy(), baseline_inputs.instance_raw[0].numpy()
        return np.asarray(synthesizer.synthesize(label.astype(np.uint8), instance.astype(np.int32), seed=0))

    return generate


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("tiny_spade_G.pth", "spade_generator"),
        ("tiny_spade_vae_G.pth", "spade_generator_vae"),
        ("tiny_pix2pixhd_G.pth", "pix2pixhd_global"),
    ],
)
def test_official_baseline_files(baseline_inputs, baseline_picture, parity_folder, file, name):
    official = np.load(parity_folder / "baselines.npz")[name][0]
    noise = baseline_inputs.z[:1] if name.endswith("vae") else None
    picture = baseline_picture(parity_folder / file, noise)
    # Rounded to 8 bits, and the official float32 of pix2pixHD has rounded before.
    assert abs(picture - (official.transpose(1, 2, 0) + 1) * 127.5).max() < 0.51
