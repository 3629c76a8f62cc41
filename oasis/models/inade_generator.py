"""Generators whose segments are modulated by noise of their own (INADE)."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import ClassVar

from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.instances import count_segments
from oasis.models.fitting import fitting_segment_noise, fitting_segments, require_class_channels
from oasis.models.generator import halving_widths
from oasis.models.inade import INADE, NoisySegments
from oasis.models.initialization import XAVIER_GAIN, rescale
from oasis.models.norms import NormName
from oasis.models.segment_guides import DenseSegmentGuide, SegmentPyramid, TableSegmentGuide
from oasis.models.segment_rows import SegmentRows
from oasis.models.spade_decoder import SPADEDecoder, Upsampling
from oasis.models.spade_generator import seven_blocks
from oasis.models.surroundings import Surroundings


class INADEDecoder(SPADEDecoder):
    """The blocks of a `SPADEDecoder` with `INADE` in place of SPADE.

    Each segment, an instance or a class where there is none, has its own noise, which modulates its pixels in all
    layers. Only the stem, a convolution of condition and noise at the coarsest size, sees channels beyond the classes.

    Args:
        condition_channels: K, of the encoded label map.
        num_classes: C; the largest of the condition's first C channels is the class of a pixel, as in all encodings.
        noise_dim: Z, of the noise of a segment: one half is for scales, the other for shifts.
        widths: see `SPADEDecoder`.
        doublings: see `SPADEDecoder`.
        norm: `sync_batch` (moments of the batch of all devices), `batch` (of each device's own) or `instance`.
        spectral_norm: whether the convolutions of the residual blocks have a spectral norm.
        init_gain: of the Xavier initialisation of the convolutions; 1 for short runs, see `rescale`.
        fast: whether to avoid repeated computations; False for the plain path, the reference that the fast one is
            tested against. Both are equal up to the rounding of float32.
        sparse: whether the fast path makes no maps of scales and shifts, see `TableSegmentGuide`; None = on CPUs.
        panoptic: see `SPADEDecoder`; None = all.
        upsampling: see `SPADEDecoder`.
        texture_noise: see `SPADEDecoder`; of the noise of each segment.

    Raises:
        ConfigurationError: a noise_dim that is odd or 0; a condition without the classes; an unknown norm.
    """

    needs_classes: ClassVar[bool] = True
    noise_per_pixel: ClassVar[bool] = False
    noise_per_segment: ClassVar[bool] = True

    def __init__(
        self,
        condition_channels: int,
        num_classes: int,
        noise_dim: int,
        widths: Sequence[int],
        doublings: Collection[int],
        *,
        norm: NormName,
        spectral_norm: bool,
        init_gain: float,
        fast: bool,
        sparse: bool | None,
        panoptic: Surroundings | None,
        upsampling: Upsampling,
        texture_noise: bool,
    ) -> None:
        _require_halves(noise_dim)
        require_class_channels(type(self).__name__, condition_channels, num_classes)
        super().__init__(
            None,
            condition_channels,
            noise_dim,
            widths,
            doublings,
            modulation=partial(INADE, num_classes=num_classes, noise_dim=noise_dim, norm=norm),
            spectral_norm=spectral_norm,
            fast=fast,
            sparse=sparse,
            panoptic=panoptic,
            upsampling=upsampling,
            texture_noise=texture_noise,
        )
        self.num_classes = num_classes
        self.noise_dim = noise_dim
        self.num_segments = count_segments(num_classes)
        self.needs_segments = True
        rescale(self, init_gain)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map; H and W multiples of `size_divisor`.
            noise: (B, S, Z) float, one vector per segment; None = drawn from the global random state.
            segments: (B, H, W) int64 in 0..S-1, see `Generator.forward`.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: an input that does not fit, or no segments.
        """
        self.require_fitting(condition)
        name = type(self).__name__
        segments = fitting_segments(name, condition, segments, "each has noise of its own")
        noise = fitting_segment_noise(name, self.noise_shape, condition, noise)
        assert noise is not None  # see `_require_halves`
        rows = NoisySegments.of(condition, noise, segments, self.num_classes)
        texture = SegmentRows(noise, segments)
        # Multiply-adds, which are counted on the meta device, are those of the plain path.
        fast = self.fast and not condition.is_meta
        if fast and self._looks_closely(condition.device):
            pyramid = SegmentPyramid(condition, rows.present(), TableSegmentGuide)
            return self.walk(pyramid, segments, texture=texture, sparse=True)
        pyramid = SegmentPyramid(condition, rows, DenseSegmentGuide if fast else None)
        return self.walk(pyramid, segments, texture=texture, sparse=False)


class INADEGenerator(INADEDecoder):
    """The blocks of `OASISGenerator` with `INADE`.

    Args:
        condition_channels: see `INADEDecoder`.
        num_classes: see `INADEDecoder`.
        noise_dim: see `INADEDecoder`.
        channels: see `OASISGenerator`.
        num_blocks: see `OASISGenerator`.
        norm: see `INADEDecoder`.
        spectral_norm: see `INADEDecoder`.
        init_gain: see `INADEDecoder`.
        fast: see `INADEDecoder`.
        sparse: see `INADEDecoder`.
        panoptic: see `INADEDecoder`.
        upsampling: see `SPADEDecoder`.
        texture_noise: see `INADEDecoder`.

    Raises:
        ConfigurationError: fewer than two blocks; or see `INADEDecoder`.

    Source: Tan et al. 2021, section 3.2; Sushko et al. 2021, table A.
    """

    def __init__(
        self,
        condition_channels: int,
        num_classes: int,
        noise_dim: int = 128,
        channels: int = 64,
        num_blocks: int = 6,
        *,
        norm: NormName = "sync_batch",
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        fast: bool = True,
        sparse: bool | None = None,
        panoptic: Surroundings | None = None,
        upsampling: Upsampling = "nearest",
        texture_noise: bool = False,
    ) -> None:
        super().__init__(
            *(condition_channels, num_classes, noise_dim),
            halving_widths(channels, num_blocks),
            range(1, num_blocks),
            norm=norm,
            spectral_norm=spectral_norm,
            init_gain=init_gain,
            fast=fast,
            sparse=sparse,
            panoptic=panoptic,
            upsampling=upsampling,
            texture_noise=texture_noise,
        )


class SPADEINADEGenerator(INADEDecoder):
    """The seven blocks of `SPADEGenerator` with `INADE`, as published.

    Args:
        condition_channels: see `INADEDecoder`.
        num_classes: see `INADEDecoder`.
        noise_dim: see `INADEDecoder`.
        channels: see `SPADEGenerator`.
        more_upsampling: see `SPADEGenerator`.
        norm: see `INADEDecoder`.
        spectral_norm: see `INADEDecoder`.
        init_gain: see `INADEDecoder`.
        fast: see `INADEDecoder`.
        sparse: see `INADEDecoder`.
        panoptic: see `INADEDecoder`.
        upsampling: see `SPADEDecoder`.
        texture_noise: see `INADEDecoder`.

    Raises:
        ConfigurationError: see `INADEDecoder`.

    Source: Tan et al. 2021, section 3.2; Park et al. 2019, appendix A.
    """

    def __init__(
        self,
        condition_channels: int,
        num_classes: int,
        noise_dim: int = 128,
        channels: int = 64,
        *,
        more_upsampling: bool = False,
        norm: NormName = "sync_batch",
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        fast: bool = True,
        sparse: bool | None = None,
        panoptic: Surroundings | None = None,
        upsampling: Upsampling = "nearest",
        texture_noise: bool = False,
    ) -> None:
        super().__init__(
            *(condition_channels, num_classes, noise_dim),
            *seven_blocks(channels, more_upsampling),
            norm=norm,
            spectral_norm=spectral_norm,
            init_gain=init_gain,
            fast=fast,
            sparse=sparse,
            panoptic=panoptic,
            upsampling=upsampling,
            texture_noise=texture_noise,
        )


def _require_halves(noise_dim: int) -> None:
    if noise_dim < 2 or noise_dim % 2:
        raise ConfigurationError(
            f"generator.noise_dim={noise_dim}: must be even and at least 2, since one half of a segment's noise makes "
            "scales and the other shifts. Without noise: generator=spade."
        )
