"""A discriminator with a vision transformer as its encoder."""

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from oasis.errors import ConfigurationError
from oasis.models.attention import TransformerBlock, grid_positions
from oasis.models.initialization import XAVIER_GAIN, convolution, initialize, rescale
from oasis.models.segmenting import SegmentingDiscriminator, require_instance_heads
from oasis.models.sizes import require_divisible
from oasis.models.spectral_norm import SpectralNorm
from oasis.models.unet import DownBlock, SkipDecoder, unet_widths

_TOKEN_WIDTH = 3  # times the base width
_LAYERS = 2  # a block
_SMALLEST_PATCH = 4


class TransformerDiscriminator(SegmentingDiscriminator):
    """A vision transformer that sees the whole picture at once, and a U-Net's decoder down to every pixel.

    The picture is cut into patches, whose tokens pass `2 * num_blocks` transformer layers. The last tokens are the
    decoder's input; those of shallower depths are its skip features, the shallower the larger, repeated over the pixels
    that they stand for. As a patch is too coarse to judge edges by, two residual convolution blocks on the picture are
    added to the skip features at a half and a quarter of its size. The decoder and the head are those of
    `OASISDiscriminator`.

    `channels` and `num_blocks` mean about as much as those of `OASISDiscriminator`, so that sizes made for it fit; the
    defaults make the encoder a ViT-S/16 without a class token. Positions are sines and cosines: pictures may have any
    size.

    Args:
        num_classes: N, without the fake class.
        channels: base width, a multiple of 4: of the decoder; tokens have 3 times as many.
        num_blocks: at least 2, each of two transformer layers.
        patch_size: a power of two, at least 4.
        attention_heads: a divisor of 3 * channels.
        instance_heads: whether to have the heads of `PanopticDiscriminator`.
        boundary: whether these include the boundary head.
        spectral_norm: whether all layers but the heads have a spectral norm.
        init_gain: of the Xavier initialisation; 1 for short runs, see `rescale`.

    Attributes:
        size_divisor: height and width must be multiples of it, `patch_size`.

    Raises:
        ConfigurationError: sizes that do not fit one another.

    Examples:
        >>> discriminator = TransformerDiscriminator(35, channels=4, num_blocks=2, attention_heads=2)
        >>> discriminator(torch.zeros(2, 3, 32, 48)).logits.shape
        torch.Size([2, 36, 32, 48])

    Source: encoder: Dosovitskiy et al. 2021, section 3.1, in the size of Touvron et al. 2021 (DeiT-S); tokens of four
    depths as skip features: Hatamizadeh et al. 2022 (UNETR), section 3.1; logits: Sushko et al. 2021.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int = 128,
        num_blocks: int = 6,
        *,
        patch_size: int = 16,
        attention_heads: int = 6,
        instance_heads: bool = False,
        boundary: bool = False,
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
    ) -> None:
        super().__init__(num_classes, feature_channels=channels // 2)
        width, depth, scales = _TOKEN_WIDTH * channels, _LAYERS * num_blocks, patch_size.bit_length() - 1
        _require_sizes(channels, num_blocks, patch_size, attention_heads)
        require_instance_heads(instance_heads, boundary)
        self.size_divisor = self.patch_size = patch_size
        self.depths = [depth * (i + 1) // scales for i in range(scales)]  # whose tokens are read
        self.embedding = _patch_embedding(width, patch_size, spectral_norm)
        self.layers = nn.ModuleList(
            TransformerBlock(width, attention_heads, spectral_norm=spectral_norm) for _ in range(depth)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(scales))
        widths = unet_widths(channels, scales)
        self.reassembled = nn.ModuleList(convolution(width, each, 1, spectral_norm=spectral_norm) for each in widths)
        self.stem = nn.ModuleList(
            DownBlock(before, after, first=before == 3, spectral_norm=spectral_norm, merge_resampling=True)
            for before, after in ((3, widths[0]), (widths[0], widths[1]))
        )
        self.decoder = SkipDecoder(widths, self.feature_channels, spectral_norm=spectral_norm)
        self.add_head()
        rescale(self, init_gain)
        if instance_heads:
            self.add_instance_heads(boundary)

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The transformer layers and the residual blocks, see `Recomputable`."""
        return [*self.layers, *self.stem, *self.decoder]

    def features(self, image: Tensor) -> Tensor:
        """See `SegmentingDiscriminator.features`."""
        require_divisible(image, self.size_divisor, "TransformerDiscriminator")
        skips = [
            F.interpolate(reassemble(tokens), scale_factor=self.patch_size // 2 ** (i + 1), mode="nearest")
            for i, (reassemble, tokens) in enumerate(zip(self.reassembled, self.tokens(image), strict=True))
        ]
        x = image
        for i, block in enumerate(self.stem):
            x = block(x)
            skips[i] = skips[i] + x
        result: Tensor = self.decoder(skips)
        return result

    def tokens(self, image: Tensor) -> list[Tensor]:
        """The tokens at all depths that the decoder reads, each after a layer norm of its own.

        Args:
            image: as in `features`.

        Returns:
            (B, 3 * channels, H / patch_size, W / patch_size) float each, the shallowest first.
        """
        patches = self.embedding(image)
        height, width = patches.shape[-2:]
        x = patches.flatten(2).transpose(1, 2)
        x = x + grid_positions(height, width, x.shape[2], x.device).to(x.dtype)
        read = []
        for depth, layer in enumerate(self.layers, start=1):
            x = layer(x)
            if depth in self.depths:
                normed = self.norms[self.depths.index(depth)](x)
                read.append(normed.transpose(1, 2).unflatten(2, (height, width)))
        return read


def _patch_embedding(width: int, patch_size: int, spectral_norm: bool) -> nn.Conv2d:
    layer = nn.Conv2d(3, width, patch_size, stride=patch_size)
    initialize(layer)
    if spectral_norm:
        register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return layer


def _require_sizes(channels: int, num_blocks: int, patch_size: int, attention_heads: int) -> None:
    """Raise unless the sizes make a network.

    Raises:
        ConfigurationError: the message names the setting.
    """
    if channels < 4 or channels % 4:
        raise ConfigurationError(
            f"channels={channels}: the transformer discriminator needs a multiple of 4, for its sines and cosines of "
            "rows and columns."
        )
    if patch_size < _SMALLEST_PATCH or patch_size & (patch_size - 1):
        raise ConfigurationError(f"patch_size={patch_size}: must be a power of two, at least {_SMALLEST_PATCH}.")
    if attention_heads < 1 or _TOKEN_WIDTH * channels % attention_heads:
        raise ConfigurationError(
            f"attention_heads={attention_heads}: must divide the width of the tokens, 3 * channels = "
            f"{_TOKEN_WIDTH * channels}."
        )
    scales = patch_size.bit_length() - 1
    least = max(2, -(-scales // _LAYERS))
    if num_blocks < least:
        raise ConfigurationError(
            f"num_blocks={num_blocks}: the transformer discriminator needs at least {least} blocks with "
            f"patch_size={patch_size}, as its decoder reads {scales} depths."
        )
