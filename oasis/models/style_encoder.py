"""The encoder of SPADE: the style of a photo, as a normal distribution of latent vectors."""

import torch.nn.functional as F
from torch import Tensor, nn

from oasis.models.contract import Style
from oasis.models.initialization import convolution, initialize

_WIDTHS = (1, 2, 4, 8, 8, 8)  # times the base width
_SIZE = 256  # height and width of what is encoded
_COARSEST = _SIZE // 2 ** len(_WIDTHS)


class StyleEncoder(nn.Module):
    """Encodes photos of any size, resized to 256x256, as latent vectors of a `SPADEGenerator`.

    Args:
        style_dim: Z, `noise_dim` of the generator.
        channels: base width; the widths are 1, 2, 4, 8, 8, 8 times as many.

    Examples:
        >>> StyleEncoder(channels=4)(torch.zeros(2, 3, 64, 128)).mean.shape
        torch.Size([2, 256])

    Source: Park et al. 2019, section 3 and appendix A.
    """

    def __init__(self, style_dim: int = 256, channels: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 3
        for factor in _WIDTHS:
            layers += [
                convolution(width, factor * channels, stride=2, bias=False, spectral_norm=True),
                nn.InstanceNorm2d(factor * channels),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            width = factor * channels
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.mean = nn.Linear(width * _COARSEST**2, style_dim)
        self.log_variance = nn.Linear(width * _COARSEST**2, style_dim)
        initialize(self.mean)
        initialize(self.log_variance)

    def forward(self, image: Tensor) -> Style:
        """The style of each photo.

        Args:
            image: (B, 3, H, W) float in [-1, 1].
        """
        if image.shape[-2:] != (_SIZE, _SIZE):
            image = F.interpolate(image, size=(_SIZE, _SIZE), mode="bilinear")
        features = self.layers(image)
        return Style(self.mean(features), self.log_variance(features))
