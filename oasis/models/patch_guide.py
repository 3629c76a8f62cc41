"""Modulation of SPADE layers over distinct neighbourhoods of the condition.

Gamma and beta of a pixel depend on the 5x5 pixels around it, and label maps are piecewise constant: in a Cityscapes map
of 256x512, 7 % of those neighbourhoods are distinct.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.models.guides import TableGuide, by_layer, first_convolutions, scale_and_shift
from oasis.models.patches import TAPS, Distinct
from oasis.models.spade import SPADE


@dataclass(frozen=True)
class PatchGuide(TableGuide[SPADE]):
    """A guide that computes distinct neighbourhoods only. Kernels of 3x3.

    A convolution is a sum over nine taps; each tap is computed once for each distinct vector, and the taps of each
    distinct neighbourhood are then summed.

    Attributes:
        vectors: (V, Z + K) float, the distinct vectors of the condition, noise first.
        small: the distinct 3x3 neighbourhoods of vectors, rows of numbers 0..V; V = outside of the map, which is 0.
        large: the distinct 3x3 neighbourhoods of `small`, and the one of each pixel.
        hidden: the features of each small neighbourhood between a layer's convolutions, where they have been computed.
    """

    vectors: Tensor
    small: Tensor
    large: Distinct
    hidden: Mapping[SPADE, Tensor] = field(default_factory=dict)

    def shared_by(self, layers: Sequence[SPADE]) -> "PatchGuide":
        """See `Guide`: their first convolutions as one."""
        return replace(self, hidden=by_layer(layers, self._hidden(layers)))

    @property
    def pixels(self) -> Distinct:
        """See `TableGuide`."""
        return self.large

    def rows(self, layer: SPADE) -> Tensor:
        """1 + gamma and beta of each large neighbourhood, see `TableGuide`."""
        weight, bias = scale_and_shift(layer)
        with torch.autocast(weight.device.type, enabled=False):
            hidden = self.hidden[layer] if layer in self.hidden else self._hidden([layer])
            return _convolve(hidden, self.large.table, weight) + bias

    def _hidden(self, layers: Sequence[SPADE]) -> Tensor:
        """(D, hidden channels of all layers), of the weights' type, under autocast too."""
        weight, bias = first_convolutions(layers)
        with torch.autocast(weight.device.type, enabled=False):
            return F.relu(_convolve(self.vectors.to(weight), self.small, weight) + bias, inplace=True)


def _convolve(vectors: Tensor, neighbourhoods: Tensor, weight: Tensor) -> Tensor:
    """A 3x3 convolution of distinct neighbourhoods.

    Args:
        vectors: (V, C) of the weight's type.
        neighbourhoods: (D, 9) int64 in 0..V, rows of `vectors`; V = 0.
        weight: (O, C, 3, 3).

    Returns:
        (D, O) of the same type.
    """
    out_channels, channels = weight.shape[:2]
    # Transposing two dimensions is far faster than permuting four; the result is the same.
    by_tap = weight.flatten(1).t().contiguous().view(channels, TAPS * out_channels)
    taps = (F.pad(vectors, (0, 0, 0, 1)) @ by_tap).view(-1, out_channels)
    return F.embedding_bag(neighbourhoods * TAPS + torch.arange(TAPS, device=vectors.device), taps, mode="sum")
