"""Checks of the noise that a generator is given."""

import torch
from torch import Tensor

from oasis.errors import ConfigurationError


def fitting_noise(network: str, noise_dim: int, condition: Tensor, noise: Tensor | None) -> Tensor | None:
    """The noise to use: one vector per image, or one per pixel.

    Args:
        network: its name in errors.
        noise_dim: Z; 0 for a generator without noise.
        condition: (B, K, H, W) float.
        noise: (B, Z), (B, Z, H, W), or None: drawn per image from the global random state, if Z is above 0.

    Returns:
        (B, Z) or (B, Z, H, W) of the condition's type; None for a generator without noise.

    Raises:
        ConfigurationError: a noise of another shape, or for a generator without.
    """
    batch_size, _, height, width = condition.shape
    if noise_dim == 0:
        if noise is not None:
            raise ConfigurationError(f"{network}: noise given to a generator without noise (noise_dim=0)")
        return None
    if noise is None:
        noise = torch.randn(batch_size, noise_dim, device=condition.device, dtype=condition.dtype)
    vectors, maps = (batch_size, noise_dim), (batch_size, noise_dim, height, width)
    if noise.shape not in (vectors, maps):
        raise ConfigurationError(
            f"{network}: noise of shape {tuple(noise.shape)}; it must be {vectors}, one vector an image, or {maps}, "
            "one a pixel"
        )
    return noise.to(condition)
