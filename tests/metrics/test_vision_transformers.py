"""DINOv2 and CLIP of a few channels and random weights, made here by transformers."""

import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import torch
import torch.nn.functional as F
from PIL import Image
from tiny_transformers import save_tiny_clip, save_tiny_dinov2

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.metrics import FeatureDistances
from oasis.metrics.vision_transformers import bicubic_bytes, clip_extractor, dinov2_extractor

transformers = pytest.importorskip("transformers")
huggingface_hub = pytest.importorskip("huggingface_hub")
safetensors = pytest.importorskip("safetensors.torch")

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def dinov2_folder(tmp_path_factory):
    return save_tiny_dinov2(tmp_path_factory.mktemp("dinov2"))


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    return save_tiny_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def dinov2(dinov2_folder):
    return dinov2_extractor(str(dinov2_folder), any_size=True)


@pytest.fixture
def clip(clip_folder):
    return clip_extractor(str(clip_folder), any_size=True)


LOADERS = {"dinov2": dinov2_extractor, "clip": clip_extractor}


@pytest.fixture(params=LOADERS)
def name(request):
    return request.param


@pytest.fixture
def folder(request, name):
    return request.getfixturevalue(f"{name}_folder")


@pytest.fixture
def extractor(request, name):
    return request.getfixturevalue(name)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def bytes_and_floats(count, height, width, seed=0):
    """Smooth pictures with noise, as bytes, and as the same in [-1, 1]."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 6, generator=draw)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic") * 255
    levels = (smooth + 30 * torch.randn(smooth.shape, generator=draw)).round().clamp(0, 255).byte()
    return levels, levels / 127.5 - 1


def by_pillow(levels, size, box=None):
    return np.stack(
        [
            np.asarray(Image.fromarray(one).resize((size, size), Image.BICUBIC, box))
            for one in levels.permute(0, 2, 3, 1).numpy()
        ]
    )


@pytest.mark.parametrize(("height", "width", "size"), [(64, 128, 224), (256, 512, 224), (300, 200, 336), (24, 24, 24)])
def test_resizing_is_pillows_of_bytes(height, width, size):
    levels, pictures = bytes_and_floats(2, height, width)
    ours = (bicubic_bytes(pictures, size) * 255).permute(0, 2, 3, 1).numpy()
    apart = np.abs(ours - by_pillow(levels, size))
    assert apart.max() < 2.01  # at halves, which Pillow's fixed-point coefficients decide otherwise
    assert (apart > 0.01).mean() < 0.01
    torch.testing.assert_close(bicubic_bytes(pictures + 0.3 / 127.5, size), bicubic_bytes(pictures, size))


def heard(extractor, image):
    """What the network is shown."""
    shown = []
    handle = extractor.network.register_forward_pre_hook(
        lambda _, args, kwargs: shown.append(kwargs.get("pixel_values", *args)), with_kwargs=True
    )
    extractor(image)
    handle.remove()
    return shown[0]


def test_dinov2_is_shown_the_whole_picture_by_the_papers_steps(dinov2):
    levels, pictures = bytes_and_floats(2, 64, 128)
    expected = (by_pillow(levels, 224) / 255 - np.array(MEAN)) / np.array(DEVIATION)
    shown = heard(dinov2, pictures).permute(0, 2, 3, 1).double().numpy()
    assert np.abs(shown - expected).max() < 2.01 / 255 / 0.224


def test_clip_is_shown_what_transformers_processor_makes_of_a_square(clip):
    levels, pictures = bytes_and_floats(2, 96, 96)
    size = {"crop_size": {"height": 48, "width": 48}, "size": {"shortest_edge": 48}}
    expected = transformers.CLIPImageProcessor(**size)(images=list(levels), return_tensors="pt").pixel_values
    assert (heard(clip, pictures) - expected).abs().max() < 1.01 / 255 / 0.261


def test_clip_is_shown_the_central_square(clip):
    _, pictures = bytes_and_floats(2, 50, 101)
    torch.testing.assert_close(heard(clip, pictures), heard(clip, pictures[:, :, :, 25:75]))
    tall = pictures.transpose(2, 3)
    torch.testing.assert_close(heard(clip, tall), heard(clip, tall[:, :, 25:75]))


def positions_of_the_published_network(grid, side):
    """Bicubic (a = -0.75), sampled at centres by (side + 0.1) / N, edges repeated: (N, N, D) to (side, side, D)."""

    def weight(x):
        x, a = abs(x), -0.75
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    length = len(grid)
    matrix = np.zeros((side, length))
    for i in range(side):
        at = (i + 0.5) * length / (side + 0.1) - 0.5
        for tap in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            matrix[i, min(max(tap, 0), length - 1)] += weight(at - tap)
    return np.einsum("ia,jb,abd->ijd", matrix, matrix, grid)


def test_dinov2s_positions_are_resampled_as_published(dinov2, dinov2_folder):
    whole = transformers.Dinov2Model.from_pretrained(dinov2_folder).embeddings.position_embeddings.detach()
    expected = positions_of_the_published_network(whole[0, 1:].double().numpy().reshape(3, 3, -1), 4)
    ours = dinov2.network.embeddings.position_embeddings
    assert ours.shape == (1, 17, 16)
    assert torch.equal(ours[:, 0], whole[:, 0])
    np.testing.assert_allclose(ours[0, 1:].numpy().reshape(4, 4, -1), expected, atol=1e-5)


def test_dinov2_gives_the_class_token_and_clip_embeddings_of_length_one(dinov2, clip):
    _, pictures = bytes_and_floats(2, 48, 64)
    token = dinov2.network(heard(dinov2, pictures)).last_hidden_state[:, 0]
    torch.testing.assert_close(dinov2(pictures), token)
    embeds = clip.network(heard(clip, pictures)).image_embeds
    assert (embeds.norm(dim=1) - 1).abs().min() > 0.01
    torch.testing.assert_close(clip(pictures), embeds / embeds.norm(dim=1, keepdim=True))


def measured(extractor, real, fake):
    metric = FeatureDistances(extractor(real), extractor.distances)
    metric.update(torch.arange(len(fake)), extractor(fake))
    return metric.compute()


@pytest.mark.filterwarnings("ignore:.*fewer than the")
def test_distances_are_those_of_scipy_in_float64(dinov2, clip):
    real, fake = bytes_and_floats(24, 32, 48, seed=1)[1], bytes_and_floats(20, 32, 48, seed=2)[1] * 0.6
    x, y = (dinov2(pictures).double().numpy() for pictures in (real, fake))
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = x.mean(0) - y.mean(0)
    frechet = shift @ shift + np.trace(s + t) - 2 * np.trace(scipy.linalg.sqrtm(s @ t)).real
    found = measured(dinov2, real, fake)
    assert list(found) == ["frechet_dinov2", "kernel_dinov2", "kernel_dinov2_std"]
    assert found["frechet_dinov2"] == pytest.approx(frechet, rel=1e-6)
    assert frechet > 0.1

    def unbiased(x, y):
        kernel = (x @ y.T / 16 + 1) ** 3
        return kernel.mean() if x is not y else (kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1))

    expected = unbiased(x, x) + unbiased(y, y) - 2 * unbiased(x, y)
    assert found["kernel_dinov2"] == pytest.approx(expected, rel=1e-9)
    x, y = (clip(pictures).double().numpy() for pictures in (real, fake))

    def mean(x, y):
        return np.exp(-scipy.spatial.distance.cdist(x, y, "sqeuclidean") / 200).mean()

    expected = 1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y))
    assert measured(clip, real, fake) == {"cmmd": pytest.approx(expected, rel=1e-6)}
    assert expected > 0.01


def test_neither_the_batch_nor_autocast_nor_train_matters(extractor):
    _, pictures = bytes_and_floats(3, 40, 60)
    together = extractor(pictures.requires_grad_())
    assert together.shape == (3, extractor.num_features)
    assert together.dtype == torch.float32
    assert not together.requires_grad
    torch.testing.assert_close(torch.cat([extractor(one[None]) for one in pictures]), together, atol=1e-5, rtol=1e-5)
    extractor.train()
    assert not any(module.training for module in extractor.modules())
    assert not any(parameter.requires_grad for parameter in extractor.parameters())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert extractor(pictures).equal(together)


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_a_broken_pixel_shows_in_its_picture_alone(extractor, broken):
    _, pictures = bytes_and_floats(2, 40, 300)
    whole = extractor(pictures)
    pictures[1, 0, 7, 1] = broken  # at the side, which CLIP does not see
    features = extractor(pictures)
    torch.testing.assert_close(features[0], whole[0])
    assert features[1].isnan().all()


def test_another_size_is_refused_unless_it_is_wanted(name, folder):
    with pytest.raises(ConfigurationError, match=r"its hidden_size is 16, not 1024.*any_size=true"):
        LOADERS[name](str(folder))


def test_the_fingerprint_follows_the_weights(name, extractor, copy):
    assert LOADERS[name](str(copy), any_size=True).fingerprint == extractor.fingerprint
    weights = safetensors.load_file(copy / "model.safetensors")
    next(iter(weights.values())).add_(1)
    safetensors.save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert LOADERS[name](str(copy), any_size=True).fingerprint != extractor.fingerprint


def test_without_transformers(name, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        ConfigurationError, match=rf"metrics={name} needs .*pip install 'panoptic-oasis\[transformers\]'"
    ):
        LOADERS[name](str(folder))


def test_weights_cut_short(name, copy):
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigurationError, match=r"copy: cannot be loaded as a (DINOv2|CLIP) checkpoint"):
        LOADERS[name](str(copy), any_size=True)


def test_weights_that_lack_some(name, copy):
    weights = safetensors.load_file(copy / "model.safetensors")
    lost = next(key for key in weights if "layers.1" in key or "layer.1" in key if "text" not in key)
    del weights[lost]
    safetensors.save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigurationError, match=r"its weights lack .* and 0 more"):
        LOADERS[name](str(copy), any_size=True)


def test_the_folder_of_the_other_network(name, clip_folder, dinov2_folder):
    wrong = {"dinov2": clip_folder, "clip": dinov2_folder}[name]
    with pytest.raises(ConfigurationError, match=rf"config\.json: settings of a '\w+' model, not of '{name}'"):
        LOADERS[name](str(wrong), any_size=True)


@pytest.mark.parametrize("other", ["dinov2_with_registers", "vit"])
def test_a_similar_network(name, copy, other):
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**settings, "model_type": other}))
    with pytest.raises(ConfigurationError, match=rf"settings of a '{other}' model, not of '{name}'"):
        LOADERS[name](str(copy), any_size=True)


def test_pickled_weights_are_not_read(name, copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ConfigurationError, match=r"has no \*\.safetensors.*pickle may run any code"):
        LOADERS[name](str(copy))


def test_no_name(name):
    with pytest.raises(ConfigurationError, match=f"the weights of metrics={name} are null"):
        LOADERS[name](None)


def test_a_folder_that_is_not_there(name, tmp_path):
    with pytest.raises(
        MissingWeightsError, match=rf"metrics\.weights.*metrics\.{name}\.weights.*nowhere: no such folder"
    ):
        LOADERS[name](str(tmp_path / "nowhere"))


def test_offline(name, monkeypatch):
    def model_info(self, name, timeout):
        raise OSError("Name or service not known")

    def snapshot_download(name, **settings):
        assert settings["local_files_only"]
        assert "preprocessor_config.json" not in settings["allow_patterns"]
        raise huggingface_hub.errors.LocalEntryNotFoundError("nothing in the cache")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(MissingWeightsError, match=r"Name or service not known\). Fetch config\.json and model\.safe"):
        LOADERS[name]("someone/something")


def test_a_hub_that_has_pickles_only(name, monkeypatch, copy):
    (copy / "model.safetensors").unlink()
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda self, name, timeout: SimpleNamespace(sha="0" * 40))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **settings: str(copy))
    with pytest.raises(
        MissingWeightsError, match=r"it has no \*\.safetensors.*from_pretrained\('some/one'\).save_pretr"
    ):
        LOADERS[name]("some/one")
