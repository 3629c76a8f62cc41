"""State dicts as the official OASIS writes them: names and shapes written down from its published structure.

Nothing here knows the names of this project, so that what maps the ones to the others can be tested against it.
"""

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F


def convolution(name, out_channels, in_channels, kernel=3, *, bias=True, spectral_norm=False):
    shape = (out_channels, in_channels, kernel, kernel)
    shapes = {f"{name}.weight_orig" if spectral_norm else f"{name}.weight": shape}
    if spectral_norm:
        shapes |= {f"{name}.weight_u": shape[:1], f"{name}.weight_v": (in_channels * kernel * kernel,)}
    return shapes | ({f"{name}.bias": (out_channels,)} if bias else {})


def generator_shapes(classes, noise=64, channels=4, spade=128, widths=(16, 16, 16, 8, 4, 2, 1), spectral_norm=True):
    condition = classes + noise
    shapes = convolution("fc", widths[0] * channels, condition) | convolution("conv_img", 3, channels)
    for i, (wide, narrow) in enumerate(pairwise(width * channels for width in widths)):
        middle = min(wide, narrow)
        shapes |= convolution(f"body.{i}.conv_0", middle, wide, spectral_norm=spectral_norm)
        shapes |= convolution(f"body.{i}.conv_1", narrow, middle, spectral_norm=spectral_norm)
        norms = {"norm_0": wide, "norm_1": middle}
        if wide != narrow:
            shapes |= convolution(f"body.{i}.conv_s", narrow, wide, 1, bias=False, spectral_norm=spectral_norm)
            norms["norm_s"] = wide
        for norm, width in norms.items():
            name = f"body.{i}.{norm}"
            shapes |= {f"{name}.first_norm.{part}": (width,) for part in ("running_mean", "running_var")}
            shapes |= {f"{name}.first_norm.num_batches_tracked": ()}
            shapes |= convolution(f"{name}.mlp_shared.0", spade, condition)
            shapes |= convolution(f"{name}.mlp_gamma", width, spade) | convolution(f"{name}.mlp_beta", width, spade)
    return shapes


def discriminator_shapes(classes, channels=128):
    down = [3, *(channels * width for width in (1, 1, 2, 2, 4, 4))]
    up = [(4, 4), (8, 2), (4, 2), (4, 1), (2, 1), (2, 0.5)]
    shapes = convolution("layer_up_last", classes + 1, channels // 2, 1)
    blocks = [("body_down", i, a, b, 1 if i else 0) for i, (a, b) in enumerate(pairwise(down))]
    blocks += [("body_up", i, int(a * channels), int(b * channels), 2) for i, (a, b) in enumerate(up)]
    for body, i, wide, narrow, position in blocks:
        shapes |= convolution(f"{body}.{i}.conv1.{position}", narrow, wide, spectral_norm=True)
        shapes |= convolution(f"{body}.{i}.conv2.1", narrow, narrow, spectral_norm=True)
        if wide != narrow:
            shapes |= convolution(f"{body}.{i}.conv_s", narrow, wide, 1, spectral_norm=True)
    return shapes


def made_up(shapes, largest_singular_values=None):
    """Values by the formula of the golden files; singular values in the order of the sorted names, or 1."""
    state = {}
    for position, name in enumerate(sorted(shapes)):
        draw = np.random.RandomState(1000 + position)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
            continue
        if name.endswith("running_var"):
            value = draw.uniform(0.5, 1.5, shapes[name])
        else:
            value = draw.standard_normal(shapes[name]) * (0.1 if name.endswith("running_mean") else 0.05)
        state[name] = torch.from_numpy(np.asarray(value, dtype=np.float32))
    bearers = [name for name in sorted(shapes) if name.endswith("weight_orig")]
    sigmas = [1.0] * len(bearers) if largest_singular_values is None else largest_singular_values
    for name, sigma in zip(bearers, sigmas, strict=True):
        # In eval mode the weight is divided by u^T W v, whatever u and v are.
        weight = state[name].flatten(1)
        u = F.normalize(torch.ones(len(weight)), dim=0)
        v = F.normalize(weight.T @ u, dim=0)
        state[name.replace("weight_orig", "weight_u")] = u
        state[name.replace("weight_orig", "weight_v")] = v * (sigma / (u @ weight @ v))
    return state
