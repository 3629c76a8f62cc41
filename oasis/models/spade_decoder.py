"""The part that the generators of SPADE and OASIS share: SPADE blocks from a coarse start to a picture."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.contract import Generator
from oasis.models.initialization import convolution
from oasis.models.modulation import Modulation
from oasis.models.pyramid import GuidePyramid, PlainPyramid, Pyramid
from oasis.models.sizes import require_divisible
from oasis.models.spade_block import SPADEBlock


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
        sparse: whether the fast path runs SPADE's convolutions only on distinct neighbourhoods of the condition;
            None = on CPUs, where it was measured to be faster.
        spade_kernel: kernel size within each SPADE; the neighbourhoods are found for 3 only.

    Attributes:
        size_divisor: 2 to the number of doublings.

    Source: Park et al. 2019, figure 4.
    """

    export_settings: ClassVar[Mapping[str, Any]] = {"spectral_norm": False, "fast": False}

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
        spade_kernel: int = 3,
    ) -> None:
        super().__init__()
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

    def decode(self, condition: Tensor, noise: Tensor | None = None, start: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map.
            noise: (B, Z) or (B, Z, H, W) float, joined to the condition; None without noise channels.
            start: (B, widths[0], H / size_divisor, W / size_divisor) float, the input of the first block; None = the
                stem's output for the condition, with the noise first, at that size.

        Returns:
            (B, 3, H, W) float in [-1, 1].
        """
        # Multiply-adds, which are counted on the meta device, are those of the plain path.
        if not self.fast or condition.is_meta:
            return self.walk(PlainPyramid(condition, noise), start)
        return self.walk(GuidePyramid(condition, noise, sparse=self._looks_for_patches(condition.device)), start)

    def walk(self, pyramid: Pyramid, start: Tensor | None = None) -> Tensor:
        """From the start to the picture, see `decode`, with what the modulations are steered by at each scale."""
        x: Tensor = self.stem(pyramid.whole(*pyramid.coarsest(self.size_divisor))) if start is None else start
        for position, block in enumerate(self.blocks):
            if position in self.doublings:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            # The condition is resized once per block, and shared by its modulations.
            x = block(x, pyramid.at(*x.shape[-2:]))
        return self._image(x)

    def _image(self, x: Tensor) -> Tensor:
        return torch.tanh(self.to_image(F.leaky_relu(x, 0.2, inplace=True)))

    def _looks_for_patches(self, device: torch.device) -> bool:
        wanted = device.type == "cpu" if self.sparse is None else self.sparse
        # Distinct neighbourhoods depend on the data, which is unknown while a graph is being compiled.
        return wanted and self._small_kernel and not torch.compiler.is_compiling()

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
