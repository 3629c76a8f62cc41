"""The OASIS generator: from an encoded label map and noise to a photo."""

from functools import partial

from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.models.condition_resize import ConditionResize
from oasis.models.fitting import fitting_noise
from oasis.models.initialization import XAVIER_GAIN, rescale
from oasis.models.norms import NormName
from oasis.models.spade import SPADE
from oasis.models.spade_decoder import SPADEDecoder, Upsampling
from oasis.models.surroundings import Surroundings
from oasis.models.texture_noise import require_noise

_WIDEST = 16  # times the base width


def halving_widths(channels: int, num_blocks: int) -> list[int]:
    """The channels before, between and after the blocks of `OASISGenerator`.

    Raises:
        ConfigurationError: fewer than two blocks.
    """
    if num_blocks < 2:
        raise ConfigurationError(f"num_blocks={num_blocks}: the generator needs at least 2 blocks")
    return [channels * min(_WIDEST, 2 ** (num_blocks - i)) for i in range(num_blocks + 1)]


class OASISGenerator(SPADEDecoder):
    """SPADE blocks from 1/32 of the size upwards, with 3D noise concatenated to the condition at each one.

    The widths halve towards the picture and end at the base width: 16, 16, 16, 8, 4, 2, 1 times `channels` for
    the published six blocks, 8, 4, 2, 1 for three, and further 16s first for more than six.

    Args:
        condition_channels: K, of the encoded label map; see `Encoding.channels`.
        noise_dim: Z, of the noise; 0 for a generator without noise.
        channels: base width, that of the last block.
        num_blocks: at least 2; each but the last is followed by an upsampling by two.
        spade_channels: hidden width of each SPADE.
        spade_kernel: kernel size within each SPADE.
        norm: `sync_batch` (moments of the batch of all devices), `batch` (of each device's own) or `instance`.
        spectral_norm: whether the convolutions of the residual blocks have a spectral norm.
        init_gain: of the Xavier initialisation; 1 for short runs, see `rescale`.
        fast: whether to avoid repeated computations, see `GuidePyramid`; False for the plain path, the reference that
            the fast one is tested against. Both are equal up to the rounding of float32.
        sparse: see `SPADEDecoder`.
        condition_resize: how the condition is brought to each scale, `nearest` or `area`; see `SPADEDecoder`.
        panoptic: what convolutions and upsampling see around a pixel, see `SPADEDecoder`; None = all.
        upsampling: see `SPADEDecoder`.
        texture_noise: add noise of every pixel to features, see `TextureNoise`; not published for OASIS, whose noise is
            constant. Needs a noise.

    Raises:
        ConfigurationError: fewer than two blocks; an unknown norm, condition_resize or panoptic; texture without noise.

    Examples:
        >>> generator = OASISGenerator(35, channels=4)
        >>> generator(torch.zeros(2, 35, 64, 128)).shape
        torch.Size([2, 3, 64, 128])

    Source: Sushko et al. 2021, section 3.2 and table A.
    """

    def __init__(
        self,
        condition_channels: int,
        noise_dim: int = 64,
        channels: int = 64,
        num_blocks: int = 6,
        *,
        spade_channels: int = 128,
        spade_kernel: int = 3,
        norm: NormName = "sync_batch",
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        fast: bool = True,
        sparse: bool | None = None,
        condition_resize: ConditionResize = "nearest",
        panoptic: Surroundings | None = None,
        upsampling: Upsampling = "nearest",
        texture_noise: bool = False,
    ) -> None:
        require_noise(texture_noise, noise_dim)
        super().__init__(
            None,
            condition_channels,
            noise_dim,
            halving_widths(channels, num_blocks),
            range(1, num_blocks),
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
            condition_resize=condition_resize,
            panoptic=panoptic,
            upsampling=upsampling,
            texture_noise=texture_noise,
        )
        self.noise_dim = noise_dim
        rescale(self, init_gain)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map; H and W multiples of `size_divisor`.
            noise: (B, Z) float, one vector per image; (B, Z, H, W), one per pixel; None = drawn per image from the
                global random state.
            segments: (B, H, W) int64, see `Generator.forward`; ignored unless `needs_segments`.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: a size, a condition, a noise or segments that do not fit.
        """
        self.require_fitting(condition)
        noise = fitting_noise("OASISGenerator", self.noise_dim, condition, noise)
        return self.decode(condition, noise, segments=segments)
