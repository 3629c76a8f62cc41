"""Checks of what a generator is given."""

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
    vectors, maps = (batch_size, noise_dim), (batch_size, noise_dim, height, width)
    return _fitting(network, condition, noise, [(vectors, "one vector an image"), (maps, "one a pixel")], noise_dim)


def fitting_segment_noise(
    network: str, noise_shape: tuple[int, ...], condition: Tensor, noise: Tensor | None
) -> Tensor | None:
    """The noise to use: one vector for each number that a segment of a picture may have.

    Args:
        network: its name in errors.
        noise_shape: (S, Z), see `Generator.noise_shape`; Z = 0 for a generator without noise.
        condition: (B, K, H, W) float.
        noise: (B, S, Z), or None: drawn from the global random state, if Z is above 0.

    Returns:
        (B, S, Z) of the condition's type; None for a generator without noise.

    Raises:
        ConfigurationError: a noise of another shape, or for a generator without.
    """
    rows = (condition.shape[0], *noise_shape)  # not len(), which a program would take for a constant
    return _fitting(network, condition, noise, [(rows, "one vector a segment")], noise_shape[1])


def _fitting(
    network: str, condition: Tensor, noise: Tensor | None, shapes: list[tuple[tuple[int, ...], str]], noise_dim: int
) -> Tensor | None:
    """The noise, of one of these shapes; drawn in the first of them if there is none."""
    if noise_dim == 0:
        if noise is not None:
            raise ConfigurationError(f"{network}: noise given to a generator without noise (noise_dim=0)")
        return None
    if noise is None:
        return torch.randn(shapes[0][0], device=condition.device, dtype=condition.dtype)
    if not any(noise.shape == shape for shape, _ in shapes):
        wanted = ", or ".join(f"{shape}, {meaning}" for shape, meaning in shapes)
        raise ConfigurationError(f"{network}: noise of shape {tuple(noise.shape)}; it must be {wanted}")
    return noise.to(condition)


def fitting_segments(network: str, condition: Tensor, segments: Tensor | None, reason: str) -> Tensor:
    """The segments, of a generator that needs them.

    Args:
        network: its name in errors.
        condition: (B, K, H, W) float.
        segments: (B, H, W) int64, see `Generator.forward`.
        reason: what they are needed for.

    Raises:
        ConfigurationError: they are missing, or of another shape or type.
    """
    expected = (condition.shape[0], *condition.shape[2:])
    if segments is None:
        raise ConfigurationError(
            f"{network}: no segments, but {reason}: pass {expected} int64, one number a pixel, such as of "
            "oasis.instances.segment_ids. Datasets with instances have them, see docs/data.md."
        )
    if segments.shape != expected or segments.dtype != torch.int64:
        raise ConfigurationError(
            f"{network}: segments of shape {tuple(segments.shape)} and type {segments.dtype}; they must be {expected} "
            "int64, one number a pixel of the condition"
        )
    return segments


def require_class_channels(network: str, condition_channels: int, num_classes: int) -> None:
    """Refuse an encoding with fewer channels than classes, for a generator that reads classes from the first ones.

    Raises:
        ConfigurationError: the message has both numbers.
    """
    if condition_channels < num_classes:
        raise ConfigurationError(
            f"{network}: the encoding has {condition_channels} channels, but this generator reads the class of each "
            f"pixel from the first {num_classes}, one a class. Use an encoding that starts with them, such as "
            "encoding=semantic."
        )
