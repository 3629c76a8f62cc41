"""Layers of the generators and of the feature encoder of pix2pixHD."""

from torch import Tensor, nn


def surrounding(in_channels: int, out_channels: int) -> list[nn.Module]:
    """A convolution of 7x7 that keeps the size, padded by reflection."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(in_channels, out_channels, 7)]


def normalized(channels: int) -> list[nn.Module]:
    """Instance norm and ReLU."""
    return [nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]


def halving(channels: int) -> list[nn.Module]:
    """From `channels` to twice as many at half the size."""
    return [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), *normalized(2 * channels)]


def doubling(channels: int) -> list[nn.Module]:
    """From `channels` to half as many at twice the size."""
    layer = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1)
    return [layer, *normalized(channels // 2)]


class ResidualBlock(nn.Module):
    """Two convolutions of 3x3 with instance norms, padded by reflection, added to their input.

    Source: Johnson et al. 2016, supplementary material; Wang et al. 2018 (pix2pixHD), appendix.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            *normalized(channels),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        added: Tensor = self.layers(x)
        return x + added
