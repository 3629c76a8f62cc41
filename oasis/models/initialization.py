"""Initialisation and spectral norm of the networks' convolutions."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from oasis.errors import ConfigurationError

XAVIER_GAIN = 0.02
NORMAL_STD = 0.02
_FIRST_ITERATIONS = 15  # enough for a newly drawn weight
_NORM_EPS = 1e-12


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


class SpectralNorm(nn.Module):
    """Divides the weight of a convolution or linear layer by its largest singular value, estimated by power iteration.

    In training mode, each use of the weight makes one iteration. Bit-identical to
    `torch.nn.utils.parametrizations.spectral_norm`, with the same names in the state dict, except under autocast: its
    list for GPUs has `mv`, so that torch's estimate has the 8 bits of bfloat16; this one always has the weight's own
    precision.

    Args:
        weight: (O, I, h, w), or (O, I) of a linear layer, the initial weight.

    Source: Miyato et al. 2018, section 2.1 and algorithm 1.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
            self.register_buffer(name, matrix.new_empty(size))
        if weight.is_meta:  # a network planned without memory has no values
            return
        for vector in (self._u, self._v):
            vector.copy_(F.normalize(vector.normal_(), dim=0, eps=_NORM_EPS))
        for _ in range(_FIRST_ITERATIONS):
            self.iterate(matrix)

    def forward(self, weight: Tensor) -> Tensor:
        """(O, I, h, w) or (O, I) to the same of spectral norm 1."""
        if weight.is_meta:
            return weight
        with full_precision(weight):
            return weight / self.estimate(weight)

    def estimate(self, weight: Tensor) -> Tensor:
        """The largest singular value of (O, I, h, w): a scalar. In training mode, each call makes an iteration."""
        with full_precision(weight):
            matrix = weight.flatten(1)
            if self.training:
                self.iterate(matrix.detach())
            # Copies, since the next use of the weight may precede the backward pass of this one.
            u, v = self._u.clone(), self._v.clone()
            return torch.vdot(u, torch.mv(matrix, v))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """An assigned weight becomes the undivided one."""
        return weight

    @torch.no_grad()
    def iterate(self, matrix: Tensor) -> None:
        """One power iteration of `_u` and `_v` on (O, I * h * w)."""
        self._u.copy_(F.normalize(torch.mv(matrix, self._v), dim=0, eps=_NORM_EPS))
        self._v.copy_(F.normalize(torch.mv(matrix.T, self._u), dim=0, eps=_NORM_EPS))


def full_precision(weight: Tensor) -> AbstractContextManager[Any]:
    """A context in which autocast leaves the weight's device alone."""
    if not torch.amp.is_autocast_available(weight.device.type):  # as on the meta device
        return nullcontext()
    return torch.autocast(weight.device.type, enabled=False)


def linear(in_features: int, out_features: int, *, spectral_norm: bool = False) -> nn.Linear:
    """A linear layer, (..., in_features) to (..., out_features), initialised like `convolution`."""
    layer = nn.Linear(in_features, out_features)
    initialize(layer)
    if spectral_norm:
        register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return layer


def undivided(layer: nn.Conv2d) -> tuple[Tensor, Tensor | None]:
    """A convolution's original weight, and the divisor of its spectral norm.

    Dividing the input or the output of the convolution instead saves a division of the weight, and the five passes
    over it in the backward pass.

    Args:
        layer: with or without spectral norm.

    Returns:
        (O, I, h, w), and a scalar above 0, or None without a spectral norm. In training mode this makes a power
        iteration.
    """
    if not is_parametrized(layer):
        return layer.weight, None
    parametrization = cast(Any, layer).parametrizations.weight
    weight: Tensor = parametrization.original
    return weight, parametrization[0].estimate(weight)


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


def iterate_norms(network: nn.Module) -> None:
    """Make one power iteration of every spectral norm of a network, as a training pass does."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and is_parametrized(layer):
            weight = cast(Any, layer).parametrizations.weight
            if weight[0].training:
                weight[0].iterate(weight.original.detach().flatten(1))


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
