"""A discriminator with a frozen encoder that was trained on photos."""

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.backbones import Backbone
from oasis.models.initialization import XAVIER_GAIN, convolution, rescale
from oasis.models.segmenting import SegmentingDiscriminator, require_instance_heads
from oasis.models.sizes import require_divisible
from oasis.models.unet import DownBlock, SkipDecoder, unet_widths


class PretrainedDiscriminator(SegmentingDiscriminator):
    """A frozen network of photos as encoder, and a U-Net's decoder that is trained.

    Features of each of the encoder's sizes get the same mean and deviation at every pixel, and pass a 1x1 convolution
    to the widths of `OASISDiscriminator`, whose decoder and head follow. As the encoder's largest features are a half
    or a quarter of the picture's size, a residual convolution block on the picture is added to those at a half: the
    only part of the encoder that is trained.

    Args:
        num_classes: N, without the fake class.
        backbone: the encoder; it stays frozen and in eval mode.
        channels: base width of the decoder.
        num_blocks: of the decoder, and how often the encoder halves the picture: 2 to 5 with common ones, whose further
            layers are left out.
        instance_heads: whether to have the heads of `PanopticDiscriminator`.
        boundary: whether these include the boundary head.
        spectral_norm: whether all trained layers but the heads have a spectral norm.
        init_gain: of the Xavier initialisation of the trained layers; 1 for short runs, see `rescale`.

    Attributes:
        size_divisor: height and width must be multiples of it.

    Raises:
        ConfigurationError: a backbone without features of that size.

    Source: Berrada et al. 2024 (DP-SIMS), section 3.1; the frozen encoder also: Sauer et al. 2021 (Projected GAN). The
    block on the picture and the normalisation of each pixel are ours.
    """

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        channels: int = 128,
        num_blocks: int = 5,
        *,
        instance_heads: bool = False,
        boundary: bool = False,
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
    ) -> None:
        super().__init__(num_classes, feature_channels=channels // 2)
        self.size_divisor = 2**num_blocks
        require_instance_heads(instance_heads, boundary)
        if num_blocks < 2 or self.size_divisor not in backbone.channels:
            raise ConfigurationError(
                f"num_blocks={num_blocks}: the backbone has features 1 / {', 1 / '.join(map(str, backbone.channels))} "
                f"of the picture's size, so it must be one of "
                f"{', '.join(str(each.bit_length() - 1) for each in backbone.channels if each >= 4)}."
            )
        backbone.up_to(self.size_divisor)
        self.backbone = backbone
        widths = unet_widths(channels, num_blocks)
        self.projections = nn.ModuleDict(
            {
                str(stride): convolution(inside, widths[stride.bit_length() - 2], 1, spectral_norm=spectral_norm)
                for stride, inside in backbone.channels.items()
            }
        )
        self.stem = DownBlock(3, widths[0], first=True, spectral_norm=spectral_norm, merge_resampling=True)
        self.decoder = SkipDecoder(widths, self.feature_channels, spectral_norm=spectral_norm)
        self.add_head()
        for trained in (self.projections, self.stem, self.decoder, self.head):
            rescale(trained, init_gain)
        if instance_heads:
            self.add_instance_heads(boundary)

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The backbone's layers and the residual blocks, see `Recomputable`."""
        return [*self.backbone.blocks(), self.stem, *self.decoder]

    def features(self, image: Tensor) -> Tensor:
        """See `SegmentingDiscriminator.features`."""
        require_divisible(image, self.size_divisor, "PretrainedDiscriminator")
        found = self.backbone(image)
        skips = {stride: self.projections[str(stride)](_normalized(x)) for stride, x in found.items()}
        fine = self.stem(image)
        skips[2] = skips[2] + fine if 2 in skips else fine
        result: Tensor = self.decoder([skips[stride] for stride in sorted(skips)])
        return result


def _normalized(x: Tensor) -> Tensor:
    """(B, C, H, W) with mean 0 and deviation 1 over the channels of each pixel, in the same layout."""
    return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2]).permute(0, 3, 1, 2)
