"""The generator of pix2pixHD with instance features: a few numbers for each segment control its look."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.instances import count_segments
from oasis.models.contract import Generator, Style
from oasis.models.feature_encoder import FeatureEncoder
from oasis.models.pix2pixhd_generator import Pix2PixHDGenerator, Pix2PixHDLocalEnhancer


class Pix2PixHDFeatureGenerator(Generator):
    """A generator of pix2pixHD that sees features of each segment behind the condition, and their encoder.

    In training, the features are those of the photo. Afterwards each segment draws one of the clusters that the
    features of the training photos form, see `FeatureClusters`, or gets those of a photo.

    Args:
        condition_channels: K, of the encoded label map; published with `encoding=boundary`.
        num_classes: C, of the label space.
        channels: base width.
        num_halvings: see `Pix2PixHDGenerator`.
        num_blocks: see `Pix2PixHDGenerator`.
        num_local_blocks: above 0, the generator is a `Pix2PixHDLocalEnhancer`.
        feature_channels: D, numbers of a segment.
        encoder_channels: base width of the `FeatureEncoder`.
        encoder_halvings: how often the encoder halves the size.

    Attributes:
        style_encoder: see `StyleEncoding`.

    Raises:
        ConfigurationError: `feature_channels` below 1; or see the generators.

    Source: Wang et al. 2018 (pix2pixHD), section 3.4.
    """

    noise_dim: int
    style_per_segment: ClassVar[bool] = True

    def __init__(
        self,
        condition_channels: int,
        num_classes: int,
        channels: int = 64,
        num_halvings: int = 4,
        num_blocks: int = 9,
        num_local_blocks: int = 0,
        feature_channels: int = 3,
        encoder_channels: int = 16,
        encoder_halvings: int = 4,
    ) -> None:
        super().__init__()
        if feature_channels < 1:
            raise ConfigurationError(
                f"generator.feature_channels={feature_channels}: must be at least 1. Without features: model=pix2pixhd."
            )
        seen, sizes = condition_channels + feature_channels, (channels, num_halvings, num_blocks)
        self.condition_channels = condition_channels
        self.noise_dim = feature_channels
        self.num_segments = count_segments(num_classes)
        self.network = (
            Pix2PixHDLocalEnhancer(seen, *sizes, num_local_blocks)
            if num_local_blocks
            else Pix2PixHDGenerator(seen, *sizes)
        )
        self.style_encoder = FeatureEncoder(feature_channels, encoder_channels, encoder_halvings)
        self.size_divisor = max(self.network.size_divisor, self.style_encoder.size_divisor)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map; H and W multiples of `size_divisor`, and at least
                twice as large.
            noise: (B, D, H, W) float in [-1, 1], the features of each pixel's segment; or (B, D), the same everywhere.
            segments: ignored.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: a size, a condition or features that do not fit, or no features.
        """
        if condition.shape[1] != self.condition_channels:
            raise ConfigurationError(
                f"{type(self).__name__}: the condition has {condition.shape[1]} channels, the generator was built for "
                f"{self.condition_channels}; build it with condition_channels=encoding.channels"
            )
        vector = (condition.shape[0], self.noise_dim)  # not len(), which a program would take for a constant
        if noise is None or tuple(noise.shape) not in (vector, (*vector, *condition.shape[2:])):
            given = "no features" if noise is None else f"features of shape {tuple(noise.shape)}"
            raise ConfigurationError(
                f"{type(self).__name__}: {given}; there must be {self.noise_dim} numbers for each of {vector[0]} "
                f"pictures, or for each of their pixels"
            )
        if noise.dim() == 2:
            noise = noise[:, :, None, None].expand(-1, -1, *condition.shape[2:])
        image: Tensor = self.network(torch.cat([condition, noise.to(condition)], dim=1))
        return image

    def encode_style(self, image: Tensor, segments: Tensor) -> Style:
        """The features of each segment in all of its pixels, see `StyleEncoding.encode_style`."""
        features: Tensor = self.style_encoder(image, segments, self.num_segments)
        return Style(features)

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The residual blocks, see `Recomputable`."""
        return self.network.blocks_to_recompute()
