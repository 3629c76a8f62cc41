"""Convolutions and linear layers with the initialisation of SPADE and OASIS."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from oasis.errors import ConfigurationError
from oasis.models.spectral_norm import SpectralNorm

XAVIER_GAIN = 0.02
NORMAL_STD = 0.02


def convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 3,
    *,
    stride: int = 1,
    bias: bool = True,
    spectral_norm: bool = False,
) -> nn.Conv2d:
    """A convolution, padded by half its kernel, with the initialisation of SPADE and OASIS.

    The weight is initialised before the spectral norm is added, so that the norm's first estimate of the largest
    singular value (15 power iterations) is that of the initial weight.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd to keep height and width; an even one adds a row and a column.
        stride: by which height and width are divided.
        bias: whether to add a bias.
        spectral_norm: whether to divide the weight by its largest singular value.

    Returns:
        A Conv2d, (B, in_channels, H, W) to (B, out_channels, H, W) with an odd kernel and stride 1.

    Source: Glorot and Bengio 2010, equation 12, with gain 0.02; Miyato et al. 2018, section 2.1.
    """
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=bias)
    initialize(layer)
    if spectral_norm:
        register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return layer


def linear(in_features: int, out_features: int, *, spectral_norm: bool = False) -> nn.Linear:
    """A linear layer, (..., in_features) to (..., out_features), initialised like `convolution`."""
    layer = nn.Linear(in_features, out_features)
    initialize(layer)
    if spectral_norm:
        register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return layer


def rescale(network: nn.Module, gain: float) -> None:
    """Change the Xavier gain of all convolutions and linear layers of a newly built network.

    Xavier's values are proportional to their gain, and the spectral norm's singular vectors do not depend on the
    scale, so that multiplying is the same as initialising again.

    The published 0.02 makes the first logits so small that a discriminator needs hundreds of batches to
    leave its initial prediction; with 1 it segments after a hundred, which matters for short runs.

    Args:
        network: just constructed.
        gain: the new one, above 0.

    Raises:
        ConfigurationError: if the gain is 0 or below.
    """
    if gain <= 0:
        raise ConfigurationError(f"init_gain={gain}: it must be above 0; the published gain is {XAVIER_GAIN}")
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                weight: Tensor = layer.weight
                if is_parametrized(layer):
                    weight = cast(Any, layer).parametrizations.weight.original
                weight.mul_(gain / XAVIER_GAIN)


def initialize(layer: nn.Conv2d | nn.Linear) -> None:
    """Initialise a layer without spectral norm: Xavier normal with gain 0.02, biases 0."""
    nn.init.xavier_normal_(layer.weight, gain=XAVIER_GAIN)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def initialize_normal(network: nn.Module) -> None:
    """Initialise all convolutions of a network without spectral norm as pix2pixHD: normal, deviation 0.02, biases 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=NORMAL_STD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
