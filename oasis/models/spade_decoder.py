"""The part that the generators of SPADE and OASIS share: SPADE blocks from a coarse start to a picture."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.condition_resize import ConditionResize, resize_by_name
from oasis.models.contract import Generator
from oasis.models.fitting import fitting_segments
from oasis.models.initialization import convolution
from oasis.models.modulation import Modulation
from oasis.models.pyramid import GuidePyramid, PlainPyramid, Pyramid
from oasis.models.segment_rows import SegmentRows
from oasis.models.sizes import require_divisible
from oasis.models.spade_block import SPADEBlock
from oasis.models.surroundings import PlainSurroundings, Surroundings
from oasis.models.texture_noise import TextureNoise

Upsampling = Literal["nearest", "bilinear"]


class SPADEDecoder(Generator):
    """A stem, residual blocks with SPADE and nearest upsampling between some of them, and a convolution to a picture.

    Args:
        stem: computes the input of the first block, see `decode`; None = a convolution of the condition, with the noise
            first.
        condition_channels: K, of the encoded label map.
        noise_channels: of noise before the condition; 0 for none.
        widths: channels before, between and after the blocks.
        doublings: positions of the blocks whose input is doubled in height and width first.
        modulation: makes each normalisation of the blocks, see `SPADEBlock`.
        spectral_norm: whether the convolutions of the residual blocks have a spectral norm.
        fast: whether to avoid repeated computations, see `GuidePyramid`; False for the plain path, the reference that
            the fast one is tested against. Both are equal up to the rounding of float32.
        sparse: whether the fast path runs SPADE's convolutions only on distinct neighbourhoods of the condition, and
            looks for the few pixels where panoptic-aware convolutions differ from plain ones; None = on CPUs, where it
            was measured to be faster.
        condition_resize: how the condition is brought to each scale: `nearest`, as published, or `area`, the share that
            each channel has of a cell, so that things narrower than a cell do not vanish. Noise of pixels is always
            resized by nearest, see `resized`.
        panoptic: what the residual blocks' 3x3 convolutions and the upsampling see around a pixel; None = all, as
            published. The stem, which sees the map only, the last convolution, which sees finished features, and 1x1
            ones are plain always.
        spade_kernel: kernel size within each SPADE; the neighbourhoods are found for 3 only.
        upsampling: `nearest`, as published, or `bilinear`: of the edges between repeated pixels, small networks make
            stripes. A panoptic that needs segments takes the nearest feature of the own one always.
        texture_noise: whether each block adds noise of every pixel, see `TextureNoise`; `decode` then needs a noise.

    Attributes:
        size_divisor: 2 to the number of doublings.
        needs_segments: whether `panoptic` does.
        fills: of a panoptic that needs segments: for each doubling a convolution of the condition, whose result stands
            where a segment is new at a scale. All other weights are those of a generator without segments, and have the
            same names.

    Raises:
        ConfigurationError: an unknown way to resize or to upsample; an invalid panoptic, such as a string.

    Source: Park et al. 2019, figure 4.
    """

    export_settings: ClassVar[Mapping[str, Any]] = {"spectral_norm": False, "fast": False}
    added_weights: ClassVar[tuple[str, ...]] = ("fills.", "textures.")

    def __init__(
        self,
        stem: nn.Module | None,
        condition_channels: int,
        noise_channels: int,
        widths: Sequence[int],
        doublings: Collection[int],
        *,
        modulation: Callable[[int], Modulation],
        spectral_norm: bool,
        fast: bool,
        sparse: bool | None,
        condition_resize: ConditionResize = "nearest",
        panoptic: Surroundings | None = None,
        upsampling: Upsampling = "nearest",
        texture_noise: bool = False,
        spade_kernel: int = 3,
    ) -> None:
        super().__init__()
        self.resize = resize_by_name(condition_resize)
        self.surroundings = _checked(panoptic)
        self.upsampling = _known(upsampling)
        self.needs_segments = self.surroundings.needs_segments
        self.condition_channels = condition_channels
        self.doublings = frozenset(doublings)
        self.size_divisor = 2 ** len(self.doublings)
        self.fast = fast
        self.sparse = sparse
        self._small_kernel = spade_kernel == 3
        self.stem = convolution(noise_channels + condition_channels, widths[0]) if stem is None else stem
        self.blocks = nn.ModuleList(
            SPADEBlock(width, next_width, modulation, spectral_norm=spectral_norm)
            for width, next_width in pairwise(widths)
        )
        self.to_image = convolution(widths[-1], 3)
        self.textures = nn.ModuleList(
            TextureNoise(width, number) for number, width in enumerate(widths[1:] if texture_noise else ())
        )
        # The last to be drawn, so that under a seed all others are those of a generator without.
        self.fills = nn.ModuleDict(
            {
                str(position): convolution(noise_channels + condition_channels, widths[position])
                for position in (sorted(self.doublings) if self.surroundings.needs_segments else ())
            }
        )

    def decode(
        self,
        condition: Tensor,
        noise: Tensor | SegmentRows | None = None,
        start: Tensor | None = None,
        segments: Tensor | None = None,
        texture: Tensor | SegmentRows | None = None,
    ) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map.
            noise: (B, Z) or (B, Z, H, W) float, or rows of the segments, joined to the condition; None without noise
                channels.
            start: (B, widths[0], H / size_divisor, W / size_divisor) float, the input of the first block; None = the
                stem's output for the condition, with the noise first, at that size.
            segments: (B, H, W) int64, see `Generator.forward`; read if `panoptic` needs them.
            texture: the noise that textures are made of, if it is another one.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: the segments are needed, and are missing or do not fit.
        """
        # Multiply-adds, which are counted on the meta device, are those of the plain path.
        fast = self.fast and not condition.is_meta
        sparse = fast and self._looks_closely(condition.device)
        pyramid = (
            GuidePyramid(condition, noise, self.resize, sparse=sparse and self._small_kernel)
            if fast
            else PlainPyramid(condition, noise, self.resize)
        )
        if self.surroundings.needs_segments:
            reason = "generator/panoptic=aware stays within them, and generator/panoptic=plain does without"
            segments = fitting_segments(type(self).__name__, condition, segments, reason)
        return self.walk(pyramid, segments, start, texture=noise if texture is None else texture, sparse=sparse)

    def walk(
        self,
        pyramid: Pyramid,
        segments: Tensor | None,
        start: Tensor | None = None,
        *,
        texture: Tensor | SegmentRows | None = None,
        sparse: bool,
    ) -> Tensor:
        """From the start to the picture, see `decode`, with what the modulations are steered by at each scale."""
        scales = self.surroundings.scales(segments, self.upsampling, sparse=sparse)
        x: Tensor = self.stem(pyramid.whole(*pyramid.coarsest(self.size_divisor))) if start is None else start
        for position, block in enumerate(self.blocks):
            if position in self.doublings:
                x = scales.double(x, self._fill(position), pyramid.whole)
            size = x.shape[-2:]
            # The condition is resized once per block, and shared by its modulations.
            x = block(x, pyramid.at(*size), scales.at(*size))
            if self.textures and texture is not None:
                x = self.textures[position](x, texture)
        return self._image(x)

    def _image(self, x: Tensor) -> Tensor:
        return torch.tanh(self.to_image(F.leaky_relu(x, 0.2, inplace=True)))

    def _fill(self, position: int) -> nn.Conv2d | None:
        layer = self.fills[str(position)] if self.fills else None
        assert layer is None or isinstance(layer, nn.Conv2d)
        return layer

    def _looks_closely(self, device: torch.device) -> bool:
        wanted = device.type == "cpu" if self.sparse is None else self.sparse
        # Distinct neighbourhoods depend on the data, which is unknown while a graph is being compiled.
        return wanted and not torch.compiler.is_compiling()

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The residual blocks, see `Recomputable`."""
        return self.blocks

    def require_fitting(self, condition: Tensor) -> None:
        """Raise unless a condition (B, K, H, W) has the generator's channels and a size that it supports.

        Raises:
            ConfigurationError: the message says what would fit.
        """
        name = type(self).__name__
        require_divisible(condition, self.size_divisor, name)
        if condition.shape[1] != self.condition_channels:
            raise ConfigurationError(
                f"{name}: the condition has {condition.shape[1]} channels, the generator was built for "
                f"{self.condition_channels}; build it with condition_channels=encoding.channels"
            )


def _known(upsampling: str) -> str:
    if upsampling not in get_args(Upsampling):
        raise ConfigurationError(
            f"generator.upsampling={upsampling}: not known; choose one of {', '.join(get_args(Upsampling))}"
        )
    return upsampling


def _checked(panoptic: Surroundings | None) -> Surroundings:
    if panoptic is not None and not isinstance(panoptic, Surroundings):
        raise ConfigurationError(
            f"generator.panoptic={panoptic}: this is a group of settings, chosen with a slash: "
            "generator/panoptic=plain or generator/panoptic=aware"
        )
    return PlainSurroundings() if panoptic is None else panoptic
