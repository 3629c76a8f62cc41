"""How every convolution of the networks is built: first its values, then its spectral norm."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized

from oasis.errors import ConfigurationError

XAVIER_GAIN = 0.02


def convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 3,
    *,
    bias: bool = True,
    spectral_norm: bool = False,
) -> nn.Conv2d:
    """A convolution that keeps height and width, initialised as OASIS is.

    The weight is filled before the spectral norm is put on it: the norm's first estimate of the largest
    singular value (15 rounds of power iteration) then belongs to the weight the training starts from.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd, so that the padding is symmetric.
        bias: whether to add a bias.
        spectral_norm: whether to divide the weight by its largest singular value.

    Returns:
        A Conv2d, (B, in_channels, H, W) to (B, out_channels, H, W).

    Source: Glorot and Bengio 2010, equation 12, with gain 0.02; Miyato et al. 2018, section 2.1.
    """
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=bias)
    initialize(layer)
    if spectral_norm:
        parametrizations.spectral_norm(layer)
    return layer


def rescale(network: nn.Module, gain: float) -> None:
    """Give all convolutions of a network that was just built another Xavier gain.

    Xavier's values are proportional to their gain, and the spectral norm's estimate does not depend on the
    scale, so that multiplying is the same as filling anew.

    The published 0.02 makes the first logits so small that a discriminator takes hundreds of batches to leave
    its first guess; with 1 it segments after a hundred. For short runs that is all the difference.

    Args:
        network: as its constructor left it.
        gain: the one wanted, above 0.

    Raises:
        ConfigurationError: where the gain is 0 or below.
    """
    if gain <= 0:
        raise ConfigurationError(f"init_gain={gain}: it must be above 0; the published gain is {XAVIER_GAIN}")
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                weight: Tensor = layer.weight
                if is_parametrized(layer):
                    weight = cast(Any, layer).parametrizations.weight.original
                weight.mul_(gain / XAVIER_GAIN)


def initialize(layer: nn.Conv2d) -> None:
    """Fill a convolution that bears no spectral norm yet: Xavier normal with gain 0.02, biases 0."""
    nn.init.xavier_normal_(layer.weight, gain=XAVIER_GAIN)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
