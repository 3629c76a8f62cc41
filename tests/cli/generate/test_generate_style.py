"""`oasis generate --style PHOTO` and `--like PHOTO`."""

import baseline_states
import numpy as np
import pytest
import torch
from official_states import made_up
from PIL import Image

from oasis.checkpoint.official import import_official
from oasis.export import export


@pytest.fixture(scope="module")
def spade_vae(tmp_path_factory):
    """An imported SPADE with its encoder."""
    folder = tmp_path_factory.mktemp("vae")
    shapes = {
        "G": baseline_states.spade_generator(35, 1, latent=256, start=(1, 2)),
        "E": baseline_states.spade_encoder(2),
    }
    for name, each in shapes.items():
        state = made_up(each)
        for weight in ("fc.weight", "fc_mu.weight"):  # large enough for styles to be seen
            state |= {weight: 20 * state[weight]} if weight in state else {}
        torch.save(state, folder / f"{name}.pth")
    import_official(folder / "G.pth", folder / "vae.ckpt", encoder=folder / "E.pth")
    return folder / "vae.ckpt"


@pytest.fixture(scope="module")
def spade(tmp_path_factory):
    """An imported SPADE without noise."""
    folder = tmp_path_factory.mktemp("spade")
    torch.save(made_up(baseline_states.spade_generator(35, 1)), folder / "G.pth")
    import_official(folder / "G.pth", folder / "spade.ckpt")
    return folder / "spade.ckpt"


@pytest.fixture
def photos(tmp_path):
    paths = {name: tmp_path / f"{name}.png" for name in ("red", "blue")}
    for name, path in paths.items():
        photo = Image.new("RGB", (50, 30), "white")
        photo.paste(name, (10, 0, 30, 30))
        photo.paste("black", (40, 0, 50, 30))
        photo.save(path)
    return paths


def picture(folder):
    (path,) = [each for each in folder.rglob("*.png") if each.stem != "contact_sheet"]
    return Image.open(path)


def test_style(generate, spade_vae, maps, photos, tmp_path):
    found = {}
    for name, path in photos.items():
        done = generate(spade_vae, maps / "c", "-o", tmp_path / name, "--style", path)
        assert done.exit_code == 0, done.said
        found[name] = picture(tmp_path / name)
        assert found[name].info["style"] == f"{name}.png"
    assert not np.array_equal(*found.values())


def test_like(generate, semantic, maps, photos, tmp_path):
    done = generate(semantic, maps / "c", "-o", tmp_path / "out", "--like", photos["red"], "--search-steps", 3)
    assert done.exit_code == 0, done.said
    assert "like red.png: mean difference" in done.said
    assert "after 3 steps" in done.said
    assert picture(tmp_path / "out").info["like"] == "red.png"


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("semantic", ["--style", "PHOTO"], "has no style encoder"),
        ("spade_vae", ["--style", "PHOTO", "--samples", "2"], "decides the look of one picture a map"),
        ("spade_vae", ["--style", "PHOTO", "--like", "PHOTO"], "decides the look of one picture a map"),
        ("spade_vae", ["--resample", "car", "--samples", "2"], "SPADEGenerator has one latent vector a picture"),
        ("spade", ["--samples", "2"], "SPADEGenerator has no noise"),
        ("spade", ["--interpolate", "gif"], "SPADEGenerator has no noise"),
        ("spade", ["--resample", "car", "--samples", "2"], "SPADEGenerator has no noise"),
        ("spade_vae", ["--style", "gone.png"], "gone.png"),
    ],
)
def test_what_does_not_go(generate, request, maps, photos, tmp_path, model, options, words):
    checkpoint = request.getfixturevalue(model)
    given = [photos["red"] if option == "PHOTO" else option for option in options]
    done = generate(checkpoint, maps / "c", "-o", tmp_path / "out", *given)
    assert done.exit_code == 1
    assert words in done.said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["safetensors", "pt2", "onnx"])
def test_export(generate, spade_vae, maps, photos, tmp_path, suffix):
    if suffix == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    exported = export(spade_vae, tmp_path / f"vae.{suffix}")
    assert exported.inputs["noise"] == (1, 256)
    if suffix == "safetensors":
        for place, checkpoint in (("a", spade_vae), ("b", tmp_path / "vae.safetensors")):
            generate(checkpoint, maps / "c", "-o", tmp_path / place, "--style", photos["red"])
        assert np.array_equal(picture(tmp_path / "a"), picture(tmp_path / "b"))
