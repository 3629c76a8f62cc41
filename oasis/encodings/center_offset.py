"""Centres of instances, and offsets to them."""

import math

from torch import Tensor

from oasis.encodings.base import Generators
from oasis.encodings.one_hot_plus import OneHotPlus
from oasis.errors import ConfigurationError
from oasis.instances import center_heatmap, center_offsets
from oasis.labels import LabelSpace


class CenterOffset(OneHotPlus):
    """One-hot classes, a heatmap of instance centres, and each pixel's offset to its own centre.

    After the classes: Gaussian peaks in [0, 1]; dy as a share of the picture's height; dx as a share of its width,
    both in (-1, 1). All are 0 where there is no instance, except for the slopes of peaks nearby.

    Args:
        label_space: the classes.
        sigma: standard deviation of a peak as a share of the picture's height, above 0: 1/32 is 8 pixels of 256.

    Raises:
        ConfigurationError: if sigma is not above 0 and finite.

    Source: Cheng et al. 2020 (Panoptic-DeepLab), section 3.2.
    """

    def __init__(self, label_space: LabelSpace, sigma: float = 1 / 32) -> None:
        super().__init__(label_space)
        if not 0 < sigma < math.inf:
            raise ConfigurationError(
                f"encoding.sigma={sigma}: the width of a centre's peak, a share of the height, must be above 0"
            )
        self.sigma = sigma

    @property
    def extra_channels(self) -> int:
        """3: heatmap, dy, dx."""
        return 3

    def fill(self, canvas: Tensor, label: Tensor, instance: Tensor, generators: Generators) -> None:
        """Fill heatmap and offsets; see `OneHotPlus.fill`. Not random."""
        height, width = instance.shape[1:]
        canvas[:, :1] = center_heatmap(instance, self.sigma * height)
        canvas[:, 1:] = center_offsets(instance)
        canvas[:, 1] /= height
        canvas[:, 2] /= width
