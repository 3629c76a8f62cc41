"""The OASIS discriminator: segments a photo into N classes and "fake"."""

from collections.abc import Iterable
from itertools import pairwise

from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.initialization import XAVIER_GAIN, rescale
from oasis.models.segmenting import SegmentingDiscriminator
from oasis.models.sizes import require_divisible
from oasis.models.unet import DownBlock, SkipDecoder, unet_widths


class OASISDiscriminator(SegmentingDiscriminator):
    """A U-Net of residual blocks that segments photos into N classes and one more, fake.

    `features` computes the last features and `head` turns them into logits; a subclass may add further `heads` on the
    same features. The widths of the encoder's blocks are 1, 1, 2, 2, 4, 4 times `channels`; further blocks have 4.

    Args:
        num_classes: N, without the fake class.
        channels: base width.
        num_blocks: at least 2, of the encoder and of the decoder.
        spectral_norm: whether the convolutions of the blocks have a spectral norm; the head never does.
        init_gain: of the Xavier initialisation; 1 for short runs, see `rescale`.
        merge_resampling: merge convolutions with resampling; see `oasis.models.resampling`.

    Attributes:
        feature_channels: channels of `features`, half the base width.
        heads: further heads by name; none here.
        size_divisor: height and width must be multiples of it.

    Raises:
        ConfigurationError: fewer than two blocks.

    Examples:
        >>> discriminator = OASISDiscriminator(35, channels=4)
        >>> discriminator(torch.zeros(2, 3, 64, 128)).logits.shape
        torch.Size([2, 36, 64, 128])

    Source: Sushko et al. 2021, section 3.1 and table B.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int = 128,
        num_blocks: int = 6,
        *,
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        merge_resampling: bool = False,
    ) -> None:
        super().__init__(num_classes, feature_channels=channels // 2)
        if num_blocks < 2:
            raise ConfigurationError(f"num_blocks={num_blocks}: the discriminator needs at least 2 blocks")
        self.size_divisor = 2**num_blocks
        widths = unet_widths(channels, num_blocks)
        self.down = nn.ModuleList(
            DownBlock(
                in_channels,
                out_channels,
                first=in_channels == 3,
                spectral_norm=spectral_norm,
                merge_resampling=merge_resampling,
            )
            for in_channels, out_channels in pairwise([3, *widths])
        )
        self.up = SkipDecoder(
            widths, self.feature_channels, spectral_norm=spectral_norm, merge_resampling=merge_resampling
        )
        self.add_head()
        rescale(self, init_gain)

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The residual blocks, see `Recomputable`."""
        return [*self.down, *self.up]

    def features(self, image: Tensor) -> Tensor:
        """See `SegmentingDiscriminator.features`."""
        require_divisible(image, self.size_divisor, "OASISDiscriminator")
        skips = []
        x = image
        for block in self.down:
            x = block(x)
            skips.append(x)
        features: Tensor = self.up(skips)
        return features
