"""The feature encoder of pix2pixHD: a few numbers for each segment of a photo, to control its look."""

from torch import Tensor, nn

from oasis.instances import mean_by_number
from oasis.models.initialization import initialize_normal
from oasis.models.pix2pixhd_layers import doubling, halving, normalized, surrounding
from oasis.models.sizes import require_divisible


class FeatureEncoder(nn.Module):
    """An encoder and decoder from photos to features, averaged over each segment.

    The features are meant to be concatenated to the condition of a generator.

    Args:
        feature_channels: D, of the features.
        channels: base width.
        num_halvings: how often the size is halved, and the width doubled.

    Attributes:
        size_divisor: height and width must be multiples of it.

    Source: Wang et al. 2018 (pix2pixHD), section 3.4.
    """

    def __init__(self, feature_channels: int = 3, channels: int = 16, num_halvings: int = 4) -> None:
        super().__init__()
        self.size_divisor = 2**num_halvings
        widths = [channels * 2**i for i in range(num_halvings)]
        self.layers = nn.Sequential(
            *surrounding(3, channels),
            *normalized(channels),
            *(layer for width in widths for layer in halving(width)),
            *(layer for width in reversed(widths) for layer in doubling(2 * width)),
            *surrounding(channels, feature_channels),
            nn.Tanh(),
        )
        initialize_normal(self)

    def forward(self, image: Tensor, segments: Tensor, num_segments: int) -> Tensor:
        """The features of each segment, in all of its pixels.

        Args:
            image: (B, 3, H, W) float in [-1, 1]; H and W multiples of `size_divisor`.
            segments: (B, H, W) int64 in 0..num_segments-1, the same number in all pixels of a segment of an image, see
                `oasis.instances.segment_ids`.
            num_segments: one above the highest number that is possible, see `oasis.instances.segment_ids`.

        Returns:
            (B, D, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: a size that does not fit.
        """
        require_divisible(image, self.size_divisor, "FeatureEncoder")
        return mean_of_segments(self.layers(image), segments, num_segments)


def mean_of_segments(features: Tensor, segments: Tensor, num_segments: int) -> Tensor:
    """Replace each pixel's features by their mean over its segment. Segments do not reach into other images.

    Args:
        features: (B, D, H, W) float.
        segments: (B, H, W) int64 in 0..num_segments-1.
        num_segments: S.

    Returns:
        (B, D, H, W) float, at least float32.
    """
    table = mean_by_number(features, segments, num_segments)  # of all numbers, so that the host never waits
    index = segments.flatten(1).unsqueeze(2).expand(-1, -1, table.shape[2])
    return table.gather(1, index).transpose(1, 2).reshape(features.shape)
