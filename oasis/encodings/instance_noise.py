"""A random vector for each instance."""

import torch
from torch import Tensor

from oasis.encodings.base import Generators, OrderSensitivity, draw_for_each
from oasis.encodings.one_hot_plus import OneHotPlus
from oasis.errors import ConfigurationError
from oasis.instances import MAX_INSTANCES
from oasis.labels import LabelSpace


class InstanceNoise(OneHotPlus):
    """One-hot classes, and a random vector per instance, repeated over its pixels.

    The vectors are normal with variance 1 and drawn anew at every call; pixels without an instance have 0.

    Args:
        label_space: the classes.
        dim: D, length of the vectors, at least 1.

    Raises:
        ConfigurationError: if dim is below 1.

    Source: the idea of Tan et al. 2021 (INADE), section 3.2, as an input.
    """

    order_sensitivity = OrderSensitivity.SAME_DISTRIBUTION

    def __init__(self, label_space: LabelSpace, dim: int = 16) -> None:
        super().__init__(label_space)
        if dim < 1:
            raise ConfigurationError(
                f"encoding.dim={dim}: instance_noise needs at least 1 number an instance; encoding=semantic has none"
            )
        self.dim = dim

    @property
    def extra_channels(self) -> int:
        """D."""
        return self.dim

    def fill(self, canvas: Tensor, label: Tensor, instance: Tensor, generators: Generators) -> None:
        """Fill the noise channels; see `OneHotPlus.fill`."""
        # For all possible numbers: reading how many there are would make the host wait.
        shape = (self.dim, MAX_INSTANCES + 1)
        noise = draw_for_each(torch.randn, shape, len(instance), generators, instance.device)
        noise[:, :, 0] = 0
        index = instance.flatten(1).unsqueeze(1).expand(-1, self.dim, -1)
        torch.gather(noise, 2, index, out=canvas.flatten(2))
