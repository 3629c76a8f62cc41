"""State dicts as the official SPADE and pix2pixHD write them: names and shapes written down from their structure.

Nothing here knows the names of this project, see `official_states`.
"""

import numpy as np
import torch
import torch.nn.functional as F
from official_states import convolution, made_up

SPADE_BLOCKS = {
    "head_0": (16, 16),
    "G_middle_0": (16, 16),
    "G_middle_1": (16, 16),
    "up_0": (16, 8),
    "up_1": (8, 4),
    "up_2": (4, 2),
    "up_3": (2, 1),
}


def linear(name, out_features, in_features):
    return {f"{name}.weight": (out_features, in_features), f"{name}.bias": (out_features,)}


def spade_generator(condition=36, channels=4, latent=None, start=(2, 4)):
    first = 16 * channels
    if latent is None:
        shapes = convolution("fc", first, condition)
    else:
        shapes = linear("fc", first * start[0] * start[1], latent)
    for block, (wide, narrow) in SPADE_BLOCKS.items():
        wide, narrow = wide * channels, narrow * channels
        shapes |= convolution(f"{block}.conv_0", narrow, wide, spectral_norm=True)
        shapes |= convolution(f"{block}.conv_1", narrow, narrow, spectral_norm=True)
        norms = {"norm_0": wide, "norm_1": narrow}
        if wide != narrow:
            shapes |= convolution(f"{block}.conv_s", narrow, wide, 1, bias=False, spectral_norm=True)
            norms["norm_s"] = wide
        for norm, width in norms.items():
            name = f"{block}.{norm}"
            shapes |= {f"{name}.param_free_norm.{part}": (width,) for part in ("running_mean", "running_var")}
            shapes |= {f"{name}.param_free_norm.num_batches_tracked": ()}
            shapes |= convolution(f"{name}.mlp_shared.0", 128, condition)
            shapes |= convolution(f"{name}.mlp_gamma", width, 128) | convolution(f"{name}.mlp_beta", width, 128)
    return shapes | convolution("conv_img", 3, channels)


def spade_discriminator(inputs=39, channels=8):
    shapes = {}
    for scale in (f"discriminator_{i}" for i in range(2)):
        shapes |= convolution(f"{scale}.model0.0", channels, inputs, 4)
        for layer in (1, 2, 3):
            wide, narrow = channels * 2**layer, channels * 2 ** (layer - 1)
            shapes |= convolution(f"{scale}.model{layer}.0.0", wide, narrow, 4, bias=False, spectral_norm=True)
        shapes |= convolution(f"{scale}.model4.0", 1, 8 * channels, 4)
    return shapes


def spade_encoder(channels=4):
    widths = [3, *(channels * factor for factor in (1, 2, 4, 8, 8, 8))]
    shapes = linear("fc_mu", 256, 16 * widths[-1]) | linear("fc_var", 256, 16 * widths[-1])
    for i in range(1, 7):
        shapes |= convolution(f"layer{i}.0", widths[i], widths[i - 1], bias=False, spectral_norm=True)
    return shapes


def _global(condition, channels, picture=3, blocks=9, halvings=4):
    """Positions in the one sequence: a norm and an activation follow each convolution, a padding precedes two."""
    shapes = convolution("model.1", channels, condition, 7)
    for i in range(halvings):
        shapes |= convolution(f"model.{4 + 3 * i}", channels * 2 ** (i + 1), channels * 2**i)
    position = 4 + 3 * halvings
    for _ in range(blocks):
        for inner in (1, 5):
            shapes |= convolution(
                f"model.{position}.conv_block.{inner}", channels * 2**halvings, channels * 2**halvings
            )
        position += 1
    for i in reversed(range(halvings)):
        # A transposed convolution has the channels of its input first.
        shapes[f"model.{position}.weight"] = (channels * 2 ** (i + 1), channels * 2**i, 3, 3)
        shapes[f"model.{position}.bias"] = (channels * 2**i,)
        position += 3
    return shapes | (convolution(f"model.{position + 1}", picture, channels, 7) if picture else {})


def pix2pixhd_generator(condition=36, channels=4):
    return _global(condition, channels)


def pix2pixhd_local(condition=36, channels=4):
    shapes = _global(condition, 2 * channels, picture=0)
    shapes |= convolution("model1_1.1", channels, condition, 7) | convolution("model1_1.4", 2 * channels, channels)
    for block in range(3):
        for inner in (1, 5):
            shapes |= convolution(f"model1_2.{block}.conv_block.{inner}", 2 * channels, 2 * channels)
    shapes |= {"model1_2.3.weight": (2 * channels, channels, 3, 3), "model1_2.3.bias": (channels,)}
    return shapes | convolution("model1_2.7", 3, channels, 7)


def pix2pixhd_discriminator(inputs=39, channels=8):
    widths = [inputs, channels, 2 * channels, 4 * channels, 8 * channels, 1]
    shapes = {}
    for scale in range(2):
        for layer in range(5):
            shapes |= convolution(f"scale{scale}_layer{layer}.0", widths[layer + 1], widths[layer], 4)
    return shapes


def pix2pixhd_encoder(channels=4):
    return _global(3, channels, blocks=0)


def iterated(shapes):
    """Values by the formula of the golden files, with 60 power iterations of the spectral norms."""
    state = made_up(shapes)
    for position, name in enumerate(sorted(shapes)):
        if not name.endswith("weight_u"):
            continue
        weight = state[name.replace("weight_u", "weight_orig")].flatten(1)
        u = torch.from_numpy(np.random.RandomState(1000 + position).standard_normal(shapes[name])).float()
        for _ in range(60):
            v = F.normalize(weight.T @ u, dim=0)
            u = F.normalize(weight @ v, dim=0)
        state[name], state[name.replace("weight_u", "weight_v")] = u, v
    return state
