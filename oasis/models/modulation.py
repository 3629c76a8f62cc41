"""The interface of layers that normalise features, and then scale and shift each pixel."""

from torch import nn


class Modulation(nn.Module):
    """Base class of such layers, which `SPADEBlock` is made of: `SPADE` and `INADE`.

    `forward` takes x, (B, C, H, W) float, and what the layer is steered by at the size of x.

    Attributes:
        norm: the parameter-free normalisation.
    """

    norm: nn.Module
