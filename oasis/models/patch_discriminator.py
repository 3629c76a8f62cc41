"""The discriminators of SPADE and pix2pixHD: patches at several scales, seen beside the label map."""

from collections.abc import Iterable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.contract import Discriminator
from oasis.models.initialization import convolution, initialize_normal
from oasis.models.resampling import halve

_KERNEL = 4
_WIDEST = 8  # times the base width


class PatchOutput(NamedTuple):
    """The output of a `PatchDiscriminator`, the finest scale first.

    Attributes:
        scores: for each scale (B, 1, h, w), one score per patch.
        features: for each scale the outputs of all layers but the last, in order.
    """

    scores: list[Tensor]
    features: list[list[Tensor]]

    def chunk(self, count: int) -> "list[PatchOutput]":
        """Split the batch into `count` equal parts: views, in order."""
        scores = [each.chunk(count) for each in self.scores]
        features = [[each.chunk(count) for each in scale] for scale in self.features]
        return [
            PatchOutput([parts[i] for parts in scores], [[parts[i] for parts in scale] for scale in features])
            for i in range(count)
        ]


class PatchDiscriminator(Discriminator):
    """Convolutional networks that score patches of a picture beside its label map, one for each scale.

    All are alike: convolutions of 4x4 with stride 2 and doubling widths, the last of them with stride 1, then one to a
    score. Each but the first and the last is followed by an instance norm. Each scale halves the one before.

    Args:
        condition_channels: K, of the encoded label map.
        channels: base width; the widths are 1, 2, 4, 8 times as many, and 8 from there on.
        num_layers: at least 2, not counting the last one. The published networks, which SPADE calls those of 4 layers
            and pix2pixHD those of 3, have 4.
        num_scales: at least 1. Published with 2, and for large pictures of pix2pixHD 3.
        spectral_norm: True for SPADE: the convolutions before instance norms have a spectral norm and no bias; Xavier
            initialisation. False for pix2pixHD: plain convolutions with biases; normal initialisation.

    Raises:
        ConfigurationError: too few layers or scales.

    Examples:
        >>> discriminator = PatchDiscriminator(36, channels=8)
        >>> output = discriminator(torch.zeros(2, 3, 64, 128), torch.zeros(2, 36, 64, 128))
        >>> [tuple(scores.shape) for scores in output.scores]
        [(2, 1, 11, 19), (2, 1, 7, 11)]

    Source: Wang et al. 2018 (pix2pixHD), section 3.2 and appendix; Park et al. 2019 (SPADE), appendix A.
    """

    def __init__(
        self,
        condition_channels: int,
        channels: int = 64,
        num_layers: int = 4,
        num_scales: int = 2,
        *,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        if num_layers < 2 or num_scales < 1:
            raise ConfigurationError(
                f"num_layers={num_layers}, num_scales={num_scales}: the discriminator needs at least 2 layers and 1 "
                "scale"
            )
        self.condition_channels = condition_channels
        self.scales = nn.ModuleList(
            _layers(condition_channels + 3, channels, num_layers, spectral_norm) for _ in range(num_scales)
        )
        if not spectral_norm:
            initialize_normal(self)

    def forward(self, image: Tensor, condition: Tensor) -> PatchOutput:
        """Scores and features of every scale.

        Args:
            image: (B, 3, H, W) float in [-1, 1].
            condition: (B, K, H, W) float, the encoded label maps of the pictures.

        Raises:
            ConfigurationError: a condition of other channels.
        """
        if condition.shape[1] != self.condition_channels:
            raise ConfigurationError(
                f"PatchDiscriminator: the condition has {condition.shape[1]} channels, the discriminator was built for "
                f"{self.condition_channels}; build it with condition_channels=encoding.channels"
            )
        x = torch.cat([condition, image], dim=1)
        output = PatchOutput([], [])
        for position, layers in enumerate(self.scales):
            if position > 0:
                x = halve(x)
            *features, scores = _outputs(cast(Iterable[nn.Module], layers), x)
            output.scores.append(scores)
            output.features.append(features)
        return output


def _layers(in_channels: int, channels: int, num_layers: int, spectral_norm: bool) -> nn.ModuleList:
    layers: list[nn.Module] = [
        nn.Sequential(convolution(in_channels, channels, _KERNEL, stride=2), nn.LeakyReLU(0.2, inplace=True))
    ]
    width = channels
    for position in range(1, num_layers):
        wider = min(2 * width, _WIDEST * channels)
        # An instance norm removes any bias; it is there only where the published network has it.
        layer = convolution(
            width,
            wider,
            _KERNEL,
            stride=1 if position == num_layers - 1 else 2,
            bias=not spectral_norm,
            spectral_norm=spectral_norm,
        )
        layers.append(nn.Sequential(layer, nn.InstanceNorm2d(wider), nn.LeakyReLU(0.2, inplace=True)))
        width = wider
    return nn.ModuleList([*layers, convolution(width, 1, _KERNEL)])


def _outputs(layers: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    outputs = []
    for layer in layers:
        x = layer(x)
        outputs.append(x)
    return outputs
