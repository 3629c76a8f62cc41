import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

from oasis.models import OASISDiscriminator, OASISGenerator

ORIGINAL, U, V = "parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"


def official_name(name):
    """What a tensor of ours is called in the official state dicts."""
    for pattern, replacement in (
        (r"^stem\.", "fc."),
        (r"^to_image\.", "conv_img."),
        (r"^blocks\.", "body."),
        (r"\.norm\.", ".first_norm."),
        (r"spade_(.)", r"norm_\1"),
        (r"\.shared\.", ".mlp_shared.0."),
        (r"\.(gamma|beta)\.", r".mlp_\1."),
        (r"^down\.0\.conv_1", "body_down.0.conv1.0"),
        (r"^down\.(\d)\.conv_1", r"body_down.\1.conv1.1"),
        (r"^up\.(\d)\.conv_1", r"body_up.\1.conv1.2"),
        (r"^(down|up)\.(\d)\.conv_2", r"body_\1.\2.conv2.1"),
        (r"^(down|up)\.", r"body_\1."),
        (r"^head\.", "layer_up_last."),
        (re.escape(ORIGINAL), "weight_orig"),
        (re.escape(U), "weight_u"),
        (re.escape(V), "weight_v"),
    ):
        name = re.sub(pattern, replacement, name)
    return name


def made_up_value(name, position, shape):
    draw = np.random.RandomState(1000 + position)
    if name.endswith("running_var"):
        value = draw.uniform(0.5, 1.5, shape)
    else:
        value = draw.standard_normal(shape) * (0.1 if name.endswith("running_mean") else 0.05)
    return torch.from_numpy(np.asarray(value, dtype=np.float32))


def fill(network, largest_singular_values):
    """Give a network with spectral norm the made-up weights."""
    state = network.state_dict()
    ours = {official_name(name): name for name in state}
    sigmas = iter(largest_singular_values)
    for position, official in enumerate(sorted(ours)):
        if official.endswith("num_batches_tracked"):
            continue
        state[ours[official]] = made_up_value(official, position, state[ours[official]].shape)
    for official in sorted(ours):
        if official.endswith("weight_orig"):
            # In eval mode the weight is divided by u^T W v. The official u and v were not yet converged: scale ours
            # so that the product is the official one.
            name = ours[official]
            weight = state[name].flatten(1)
            u = F.normalize(torch.ones(weight.shape[0]), dim=0)
            v = F.normalize(weight.T @ u, dim=0)
            state[name.replace(ORIGINAL, U)] = u
            state[name.replace(ORIGINAL, V)] = v * (next(sigmas) / (u @ weight @ v))
    network.load_state_dict(state)
    return network


def without_spectral_norm(state):
    return {name.replace(ORIGINAL, "weight"): value for name, value in state.items() if not name.endswith((U, V))}


def one_hot(label, num_classes):
    return F.one_hot(label, num_classes).permute(0, 3, 1, 2).float()


@torch.no_grad()
def test_generator(inputs, stored, deviation):
    generator = fill(OASISGenerator(35, channels=4), stored["sigma_G35"]).eval()
    assert deviation("generator_eval", generator(one_hot(inputs.label, 35), inputs.noise)) < 1e-4


@torch.no_grad()
def test_generator_in_training_without_spectral_norm(inputs, stored, deviation):
    state = fill(OASISGenerator(35, channels=4), stored["sigma_G35"]).state_dict()
    generator = OASISGenerator(35, channels=4, spectral_norm=False)
    generator.load_state_dict(without_spectral_norm(state))
    image = generator(one_hot(inputs.label, 35), inputs.noise)
    assert deviation("generator_train_no_spectral_norm", image) < 1e-4


@torch.no_grad()
def test_generator_without_noise(inputs, stored, deviation):
    generator = fill(OASISGenerator(20, noise_dim=0, channels=4), stored["sigma_G20"]).eval()
    assert deviation("generator_eval_20_no_noise", generator(one_hot(inputs.label % 20, 20))) < 1e-4


@torch.no_grad()
def test_discriminator(inputs, stored, deviation):
    discriminator = fill(OASISDiscriminator(35), stored["sigma_D35"]).eval()
    assert deviation("discriminator_eval", discriminator(inputs.image).logits) < 1e-4


@pytest.mark.parametrize(
    ("file", "num_classes", "noise_dim"), [("tiny_EMA.pth", 35, 64), ("tiny_20_no_noise_EMA.pth", 20, 0)]
)
@torch.no_grad()
def test_official_generator_files(inputs, parity_folder, file, num_classes, noise_dim):
    official = torch.load(parity_folder / file, weights_only=True)
    generator = OASISGenerator(num_classes, noise_dim, channels=4)
    names = {name: official_name(name) for name in generator.state_dict()}
    assert sorted(names.values()) == sorted(official)
    generator.load_state_dict({name: official[names[name]] for name in names})
    noise = inputs.noise if noise_dim else None
    image = generator.eval()(one_hot(inputs.label % num_classes, num_classes), noise)
    expected = np.load(parity_folder / "official.npz")["generator_eval" if noise_dim else "generator_eval_20_no_noise"]
    assert abs(image.numpy() - expected).max() < 1e-4 * expected.std()


def test_the_inputs_are_those_of_the_files(inputs, parity_folder):
    official = np.load(parity_folder / "official.npz")
    for field, name in (("noise", "z"), *((n, n) for n in ("label", "image", "logits", "logits_fake", "logits_mixed"))):
        assert np.array_equal(getattr(inputs, field).numpy(), official[name]), name


def test_a_frozen_spectral_norm_divides_by_u_w_v():
    layer = spectral_norm(torch.nn.Conv2d(2, 3, 3)).eval()
    state = layer.state_dict()
    sigma = state[U] @ state[ORIGINAL].flatten(1) @ state[V]
    torch.testing.assert_close(layer.weight, state[ORIGINAL] / sigma)


@pytest.mark.parametrize(
    ("num_classes", "noise_dim", "parameters"),
    [(35, 64, 71_107_523), (35, 0, 69_338_051), (20, 64, 70_692_803), (20, 0, 68_923_331)],
)
def test_generator_size(num_classes, noise_dim, parameters):
    with torch.device("meta"):
        generator = OASISGenerator(num_classes, noise_dim)
    assert sum(p.numel() for p in generator.parameters()) == parameters


@pytest.mark.parametrize(("num_classes", "parameters"), [(35, 22_251_364), (20, 22_250_389)])
def test_discriminator_size(num_classes, parameters):
    with torch.device("meta"):
        discriminator = OASISDiscriminator(num_classes)
    assert sum(p.numel() for p in discriminator.parameters()) == parameters
