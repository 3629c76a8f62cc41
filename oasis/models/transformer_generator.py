"""A generator that is a transformer at its coarse scales, and SPADE at its fine ones."""

from collections.abc import Iterable
from functools import partial

from torch import Tensor, nn

from oasis.models.attention import initialize_linear
from oasis.models.fitting import fitting_noise
from oasis.models.generator import halving_widths
from oasis.models.initialization import XAVIER_GAIN, rescale
from oasis.models.modulated_transformer import CoarseTransformer, ModulatedBlock
from oasis.models.norms import NormName
from oasis.models.pyramid import GuidePyramid
from oasis.models.spade import SPADE
from oasis.models.spade_decoder import SPADEDecoder, Upsampling
from oasis.models.texture_noise import require_noise

_SCALES = 2  # of the transformer, the coarsest: 1/32 and 1/16 of the picture
_DIM = 8  # times the base width


class TransformerGenerator(SPADEDecoder):
    """OASIS with transformer blocks in the place of its first two residual blocks, at 1/32 and 1/16 of the size.

    There, at 8x16 and 16x32 pixels of a picture of 256x512, attention sees the entire picture at once, which
    convolutions do not. Condition and noise modulate every layer norm, as they do SPADE's norms at the finer scales.

    Args:
        condition_channels: K, of the encoded label map; see `Encoding.channels`.
        noise_dim: Z, of the noise; 0 for a generator without noise.
        channels: base width, that of the last block; see `OASISGenerator`.
        num_blocks: scales, at least 2. The two coarsest are those of the transformer, only one of two.
        transformer_dim: of its tokens, a multiple of 4; None = 8 times `channels`.
        transformer_depth: blocks of each of its scales.
        transformer_heads: of its attention, a divisor of `transformer_dim`.
        spade_channels: hidden width of each SPADE and of each modulation of the transformer.
        spade_kernel: kernel size within each SPADE.
        norm: of each SPADE: `sync_batch` (moments of the batch of all devices), `batch` (of each device's own) or
            `instance`.
        spectral_norm: whether the convolutions of the residual blocks have a spectral norm.
        init_gain: of the convolutions; the linear layers of the transformer have 1.
        fast: see `OASISGenerator`.
        sparse: see `OASISGenerator`.
        upsampling: see `OASISGenerator`.
        texture_noise: see `OASISGenerator`.

    Raises:
        ConfigurationError: fewer than two scales, an unknown norm, or sizes of the transformer that do not fit.

    Examples:
        >>> generator = TransformerGenerator(35, channels=4)
        >>> generator(torch.zeros(2, 35, 64, 128)).shape
        torch.Size([2, 3, 64, 128])
    """

    def __init__(
        self,
        condition_channels: int,
        noise_dim: int = 64,
        channels: int = 64,
        num_blocks: int = 6,
        *,
        transformer_dim: int | None = None,
        transformer_depth: int = 2,
        transformer_heads: int = 8,
        spade_channels: int = 128,
        spade_kernel: int = 3,
        norm: NormName = "sync_batch",
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        fast: bool = True,
        sparse: bool | None = None,
        upsampling: Upsampling = "nearest",
        texture_noise: bool = False,
    ) -> None:
        require_noise(texture_noise, noise_dim)
        widths = halving_widths(channels, num_blocks)
        scales = min(_SCALES, num_blocks - 1)
        widths = widths[scales:]
        super().__init__(
            CoarseTransformer(
                condition_channels + noise_dim,
                scales,
                transformer_depth,
                _DIM * channels if transformer_dim is None else transformer_dim,
                transformer_heads,
                spade_channels,
                widths[0],
            ),
            condition_channels,
            noise_dim,
            widths,
            range(num_blocks - scales),
            modulation=partial(
                SPADE,
                condition_channels=noise_dim + condition_channels,
                hidden_channels=spade_channels,
                kernel_size=spade_kernel,
                norm=norm,
            ),
            spectral_norm=spectral_norm,
            fast=fast,
            sparse=sparse,
            spade_kernel=spade_kernel,
            upsampling=upsampling,
            texture_noise=texture_noise,
        )
        self.noise_dim = noise_dim
        self.size_divisor = 2 ** (num_blocks - 1)
        self._coarse_sizes = [2 ** (num_blocks - 1 - scale) for scale in range(scales)]
        rescale(self, init_gain)
        initialize_linear(self.stem)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map; H and W multiples of `size_divisor`.
            noise: (B, Z) float, one vector per image; (B, Z, H, W), one per pixel; None = drawn per image from the
                global random state.
            segments: ignored.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: a size, a condition or a noise that does not fit.
        """
        self.require_fitting(condition)
        noise = fitting_noise("TransformerGenerator", self.noise_dim, condition, noise)
        pyramid = GuidePyramid(condition, noise, sparse=False)
        coarse: Tensor = self.stem([pyramid.whole(*pyramid.coarsest(divisor)) for divisor in self._coarse_sizes])
        return self.decode(condition, noise, coarse)

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The residual blocks and those of the transformer, see `Recomputable`."""
        yield from self.blocks
        yield from (block for block in self.stem.modules() if isinstance(block, ModulatedBlock))
