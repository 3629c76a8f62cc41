"""The official outputs, through all of `oasis import-official`: file -> checkpoint -> restored -> generated."""

import torch
import torch.nn.functional as F
import typer
from hydra.utils import instantiate
from official_states import discriminator_shapes, generator_shapes, made_up
from typer.testing import CliRunner

from oasis.checkpoint import load, restore
from oasis.cli.import_official import import_official


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
