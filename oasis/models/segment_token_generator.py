"""The OASIS generator with a token per segment."""

from typing import ClassVar

from torch import Tensor

from oasis.instances import count_segments
from oasis.models.fitting import fitting_segment_noise, fitting_segments, require_class_channels
from oasis.models.generator import OASISGenerator
from oasis.models.initialization import XAVIER_GAIN
from oasis.models.norms import NormName
from oasis.models.segment_rows import SegmentRows
from oasis.models.segment_tokens import SegmentTokens
from oasis.models.spade_decoder import Upsampling
from oasis.models.texture_noise import require_noise


class SegmentTokenGenerator(OASISGenerator):
    """The OASIS generator, whose SPADEs see a vector of each pixel's segment where OASIS has its noise.

    A small transformer computes the vectors: its tokens are the segments of the picture, with their class, place, size
    and a random vector, and see one another; see `SegmentTokens`. So every individual has a look of its own, and what
    the picture has in common, such as the time of day, is up to attention: there is no noise of the whole picture.

    Any number of instances, in any order. On CPUs there are as many tokens as the fullest picture of the batch has
    segments. Elsewhere the host would have to wait for their number, so that the table keeps all rows and a mask; the
    results are equal up to rounding. At full width that is about a thousandth of the multiply-adds of a picture.

    Args:
        condition_channels: K, of the encoded label map, whose first C channels tell the class.
        num_classes: C, of the label space.
        noise_dim: Z, of the noise of each segment; 0 for a generator without noise.
        channels: see `OASISGenerator`.
        num_blocks: see `OASISGenerator`.
        token_channels: of the vectors that SPADE sees.
        token_dim: of the tokens.
        token_layers: blocks of the transformer.
        token_heads: of its attention, a divisor of `token_dim`.
        spade_channels: see `OASISGenerator`.
        spade_kernel: see `OASISGenerator`.
        norm: see `OASISGenerator`.
        spectral_norm: see `OASISGenerator`.
        init_gain: of the convolutions; the transformer's is 1.
        fast: see `OASISGenerator`.
        sparse: see `OASISGenerator`.
        upsampling: see `OASISGenerator`.
        texture_noise: see `OASISGenerator`; of the noise of each segment.

    Raises:
        ConfigurationError: see `OASISGenerator` and `SegmentTokens`; or fewer channels than classes.

    Examples:
        >>> generator = SegmentTokenGenerator(35, 35, channels=4)
        >>> generator(torch.zeros(2, 35, 64, 128), segments=torch.zeros(2, 64, 128, dtype=torch.int64)).shape
        torch.Size([2, 3, 64, 128])
    """

    needs_classes: ClassVar[bool] = True
    noise_per_pixel: ClassVar[bool] = False
    noise_per_segment: ClassVar[bool] = True

    def __init__(
        self,
        condition_channels: int,
        num_classes: int,
        noise_dim: int = 64,
        channels: int = 64,
        num_blocks: int = 6,
        *,
        token_channels: int = 32,
        token_dim: int = 64,
        token_layers: int = 2,
        token_heads: int = 4,
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
        require_class_channels("SegmentTokenGenerator", condition_channels, num_classes)
        super().__init__(
            condition_channels,
            token_channels,
            channels,
            num_blocks,
            spade_channels=spade_channels,
            spade_kernel=spade_kernel,
            norm=norm,
            spectral_norm=spectral_norm,
            init_gain=init_gain,
            fast=fast,
            sparse=sparse,
            upsampling=upsampling,
            texture_noise=texture_noise,
        )
        self.needs_segments = True
        self.noise_dim = noise_dim
        self.num_segments = count_segments(num_classes)
        self.tokens = SegmentTokens(num_classes, noise_dim, token_channels, token_dim, token_layers, token_heads)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map; H and W multiples of `size_divisor`.
            noise: (B, S, Z) float, one vector per segment; None = drawn from the global random state, or no noise.
            segments: (B, H, W) int64 in 0..S-1, see `segment_ids`.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: no segments; or a size, a condition, segments or a noise that does not fit.
        """
        self.require_fitting(condition)
        name = type(self).__name__
        segments = fitting_segments(name, condition, segments, "each has a token of its own")
        noise = fitting_segment_noise(name, self.noise_shape, condition, noise)
        rows: SegmentRows = self.tokens(condition, noise, segments, self.num_segments)
        return self.decode(condition, rows, texture=None if noise is None else SegmentRows(noise, segments))
