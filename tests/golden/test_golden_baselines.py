"""The networks and losses of SPADE and pix2pixHD, number by number."""

import dataclasses

import baseline_states
import numpy as np
import pytest
import torch

from oasis.checkpoint.official.names import (
    pix2pixhd_discriminator_names,
    pix2pixhd_names,
    spade_discriminator_names,
    spade_generator_names,
    style_encoder_names,
)
from oasis.encodings import Boundary
from oasis.labels import LabelSpace
from oasis.losses import (
    feature_matching_loss,
    hinge_fake_loss,
    hinge_generator_loss,
    hinge_real_loss,
    least_squares_loss,
    style_divergence,
)
from oasis.models import (
    FeatureEncoder,
    PatchDiscriminator,
    Pix2PixHDGenerator,
    Pix2PixHDLocalEnhancer,
    SPADEGenerator,
    StyleEncoder,
)


def with_names(names, network, official):
    """A network in eval mode with an official state dict, of which each tensor is used."""
    ours = names(network.state_dict())
    assert sorted(ours.values()) == sorted(official)
    network.load_state_dict({name: official[theirs] for name, theirs in ours.items()})
    return network.eval()


@pytest.fixture(scope="module")
def condition(baseline_inputs):
    # In the made-up map, classes of stuff have instances too.
    encoding = Boundary(dataclasses.replace(LabelSpace.cityscapes_ids(), things=frozenset(range(35))))
    return encoding(baseline_inputs.label, baseline_inputs.instance_raw % 1000)


def test_edges(condition, baseline_deviation):
    """The official edges are those of the raw instance map, whose ids hold the class of every segment, stuff too."""
    assert condition.shape[1] == 36
    assert baseline_deviation("edge", condition[:, 35:]) == 0


# SPADE


@pytest.fixture(scope="module", params=[True, False], ids=["fast", "plain"])
def fast(request):
    return request.param


@torch.no_grad()
@pytest.mark.parametrize(("name", "more"), [("spade_generator", False), ("spade_generator_more", True)])
def test_spade_generator(condition, baseline_deviation, fast, name, more):
    generator = SPADEGenerator(36, channels=4, more_upsampling=more, fast=fast)
    with_names(spade_generator_names, generator, baseline_states.iterated(baseline_states.spade_generator()))
    assert baseline_deviation(name, generator(condition)) < 1e-4


@torch.no_grad()
def test_spade_generator_with_a_latent_vector(condition, baseline_inputs, baseline_deviation, fast):
    generator = SPADEGenerator(36, 256, 4, height=64, width=128, fast=fast)
    with_names(spade_generator_names, generator, baseline_states.iterated(baseline_states.spade_generator(latent=256)))
    assert baseline_deviation("spade_generator_vae", generator(condition, baseline_inputs.z)) < 1e-4


@pytest.fixture(scope="module")
def spade_scores(condition, baseline_inputs):
    """The discriminator's outputs for fakes and photos."""
    official = baseline_states.iterated(baseline_states.spade_discriminator())
    discriminator = with_names(spade_discriminator_names, PatchDiscriminator(36, 8), official)
    with torch.no_grad():
        return [discriminator(image, condition) for image in (baseline_inputs.image_2, baseline_inputs.image)]


def test_spade_discriminator(spade_scores, baseline_deviation):
    for word, output in zip(("fake", "real"), spade_scores, strict=True):
        for scale in range(2):
            assert baseline_deviation(f"spade_discriminator_{word}_{scale}", output.scores[scale]) < 1e-4
    for scale, features in enumerate(spade_scores[1].features):
        assert baseline_deviation(f"spade_discriminator_real_{scale}_feature_2", features[2]) < 1e-4


@pytest.fixture(scope="module")
def style(baseline_inputs):
    official = baseline_states.iterated(baseline_states.spade_encoder())
    with torch.no_grad():
        return with_names(style_encoder_names, StyleEncoder(channels=4), official)(baseline_inputs.image)


def test_style_encoder(style, baseline_deviation):
    assert baseline_deviation("spade_encoder_mu", style.mean) < 1e-4
    assert baseline_deviation("spade_encoder_logvar", style.log_variance) < 1e-4


def test_spade_losses(spade_scores, style, stored_baselines):
    fake, real = spade_scores
    for name, loss in {
        "hinge_generator": hinge_generator_loss(fake.scores),
        "hinge_discriminator_fake": hinge_fake_loss(fake.scores),
        "hinge_discriminator_real": hinge_real_loss(real.scores),
        "feature_matching_weight_10": 10 * feature_matching_loss(fake.features, real.features),
    }.items():
        assert loss.item() == pytest.approx(stored_baselines[f"loss_spade_{name}"].item(), abs=1e-5), name
    # A sum of 512 terms, of which the last bit of float32 is 3e-5.
    divergence = style_divergence(style.mean, style.log_variance).item()
    assert divergence == pytest.approx(stored_baselines["loss_spade_kld_unweighted"].item(), rel=1e-6)


# pix2pixHD. Both generators are compared in float64: they normalise maps of 2x4, which amplifies rounding, and half of
# the tolerance is used up by the rounding of the official float32.


@pytest.mark.parametrize(("name", "kind"), [("global", Pix2PixHDGenerator), ("local", Pix2PixHDLocalEnhancer)])
@torch.no_grad()
def test_pix2pixhd_generators(condition, baseline_deviation, name, kind):
    shapes = {"global": baseline_states.pix2pixhd_generator, "local": baseline_states.pix2pixhd_local}[name]()
    generator = with_names(pix2pixhd_names, kind(36, channels=4), baseline_states.iterated(shapes))
    assert baseline_deviation(f"pix2pixhd_{name}", generator.double()(condition.double())) < 1e-4


@pytest.fixture(scope="module")
def pix2pixhd_scores(condition, baseline_inputs):
    official = baseline_states.iterated(baseline_states.pix2pixhd_discriminator())
    discriminator = PatchDiscriminator(36, 8, spectral_norm=False)
    with_names(lambda names: pix2pixhd_discriminator_names(names, 2), discriminator, official)
    with torch.no_grad():
        return [discriminator(image, condition) for image in (baseline_inputs.image_2, baseline_inputs.image)]


def test_pix2pixhd_discriminator(pix2pixhd_scores, baseline_deviation):
    for word, output in zip(("fake", "real"), pix2pixhd_scores, strict=True):
        for scale in range(2):
            assert baseline_deviation(f"pix2pixhd_discriminator_{word}_{scale}", output.scores[scale]) < 1e-4


@torch.no_grad()
def test_feature_encoder(baseline_inputs, baseline_deviation):
    official = baseline_states.iterated(baseline_states.pix2pixhd_encoder())
    encoder = with_names(pix2pixhd_names, FeatureEncoder(channels=4), official)
    features = encoder(baseline_inputs.image[:1], baseline_inputs.instance_raw[:1], 34_000)
    assert baseline_deviation("pix2pixhd_encoder", features) < 1e-4


def test_pix2pixhd_losses(pix2pixhd_scores, stored_baselines):
    fake, real = pix2pixhd_scores
    for name, loss in {
        "lsgan_generator": least_squares_loss(fake.scores, target=1),
        "lsgan_discriminator_fake": least_squares_loss(fake.scores, target=0),
        "lsgan_discriminator_real": least_squares_loss(real.scores, target=1),
        "feature_matching_weight_10": 10 * feature_matching_loss(fake.features, real.features),
    }.items():
        assert loss.item() == pytest.approx(stored_baselines[f"loss_pix2pixhd_{name}"].item(), abs=1e-5), name


# Official files, and what the stored numbers are part of


@pytest.mark.parametrize("file", ["tiny_spade_G.pth", "tiny_spade_vae_G.pth", "tiny_pix2pixhd_G.pth"])
@torch.no_grad()
def test_official_files(condition, baseline_inputs, parity_folder, file):
    official = torch.load(parity_folder / file, weights_only=True)
    generator, names, result, noise = {
        "tiny_spade_G.pth": (SPADEGenerator(36, channels=4), spade_generator_names, "spade_generator", None),
        "tiny_spade_vae_G.pth": (
            SPADEGenerator(36, 256, 4, height=64, width=128),
            spade_generator_names,
            "spade_generator_vae",
            baseline_inputs.z,
        ),
        "tiny_pix2pixhd_G.pth": (Pix2PixHDGenerator(36, 4).double(), pix2pixhd_names, "pix2pixhd_global", None),
    }[file]
    with_names(names, generator, official)
    image = generator(condition.to(next(generator.parameters()).dtype), noise)
    expected = np.load(parity_folder / "baselines.npz")[result]
    assert abs(image.numpy() - expected).max() < 1e-4 * expected.std()


def test_all_numbers_are_compared_and_of_these_inputs(baseline_inputs, stored_baselines, parity_folder):
    whole = np.load(parity_folder / "baselines.npz")
    inputs = ("label", "instance_raw", "image", "image_2", "z")
    for name in inputs:
        assert np.allclose(getattr(baseline_inputs, name).numpy(), whole[name], rtol=0, atol=1e-6), name
    assert set(whole) == {*inputs, *stored_baselines}
    for name, value in stored_baselines.items():
        assert np.isin(value, whole[name]).all(), name


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (lambda: SPADEGenerator(36), 93_048_003),
        (lambda: SPADEGenerator(36, 256, height=256, width=512), 126_400_707),
        (lambda: SPADEGenerator(184), 97_480_899),
        (lambda: PatchDiscriminator(36), 5_601_410),
        (lambda: StyleEncoder(), 10_463_424),
        (lambda: Pix2PixHDGenerator(36), 182_546_755),
        (lambda: Pix2PixHDLocalEnhancer(36), 182_857_059),
        (lambda: PatchDiscriminator(36, spectral_norm=False), 5_603_202),
        (lambda: FeatureEncoder(), 788_803),
    ],
)
def test_size(network, parameters):
    with torch.device("meta"):
        built = network()
    assert sum(p.numel() for p in built.parameters()) == parameters
