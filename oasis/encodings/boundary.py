"""Boundaries of segments."""

from torch import Tensor

from oasis.encodings.base import Generators
from oasis.encodings.one_hot_plus import OneHotPlus
from oasis.instances import boundaries


class Boundary(OneHotPlus):
    """One-hot classes, and 1 in pixels that touch another segment above, below, left or right.

    Source: Wang et al. 2018 (pix2pixHD), section 3.3; Park et al. 2019 (SPADE).
    """

    @property
    def extra_channels(self) -> int:
        """1."""
        return 1

    def fill(self, canvas: Tensor, label: Tensor, instance: Tensor, generators: Generators) -> None:
        """Fill the boundary channel; see `OneHotPlus.fill`. Not random."""
        canvas.copy_(boundaries(label, instance))
