"""The generator of SPADE: from an encoded label map, and optionally the style of a picture, to a photo."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.condition_resize import ConditionResize
from oasis.models.contract import Style
from oasis.models.initialization import XAVIER_GAIN, initialize, rescale
from oasis.models.norms import NormName
from oasis.models.spade import SPADE
from oasis.models.spade_decoder import SPADEDecoder, Upsampling
from oasis.models.style_encoder import StyleEncoder
from oasis.models.surroundings import Surroundings

_WIDTHS = (16, 16, 16, 16, 8, 4, 2, 1)  # times the base width, before, between and after the seven blocks
_DOUBLINGS = frozenset({1, 3, 4, 5, 6})
_MORE = frozenset({2})  # between the two middle blocks


def seven_blocks(channels: int, more_upsampling: bool) -> tuple[list[int], frozenset[int]]:
    """The widths and the doublings of `SPADEGenerator`, see `SPADEDecoder`."""
    return [factor * channels for factor in _WIDTHS], _DOUBLINGS | _MORE if more_upsampling else _DOUBLINGS


class SPADEGenerator(SPADEDecoder):
    """Seven SPADE blocks from 1/32 of the size upwards.

    Without a latent vector, the start is a convolution of the label map at the coarsest size, and the same map always
    gives the same picture. With one, `noise_dim` above 0, the start is a linear layer of the vector: drawn from a
    normal distribution, or the style of a photo. The linear layer makes all pixels of the start, so that such a
    generator has one size of pictures.

    Args:
        condition_channels: K, of the encoded label map; published with `encoding=boundary`.
        noise_dim: Z, the length of the latent vector; 0 for none. Published with 256.
        channels: base width, that of the last block; the widths are 16, 16, 16, 16, 8, 4, 2, 1 times as many.
        height: rows of the pictures; needed with a latent vector only.
        width: their columns; needed with a latent vector only.
        encoder_channels: base width of a `StyleEncoder`, which is a part of the network, see `StyleEncoding`; 0 for
            none. Published with 64.
        more_upsampling: start at 1/64 of the size, with one more upsampling between the two middle blocks.
        spade_channels: hidden width of each SPADE.
        norm: `sync_batch` (moments of the batch of all devices), `batch` (of each device's own) or `instance`.
        spectral_norm: whether the convolutions of the residual blocks have a spectral norm.
        init_gain: of the Xavier initialisation; 1 for short runs, see `rescale`.
        fast: see `SPADEDecoder`.
        sparse: see `SPADEDecoder`.
        condition_resize: see `SPADEDecoder`.
        panoptic: see `SPADEDecoder`.
        upsampling: see `SPADEDecoder`.

    Attributes:
        style_encoder: None without one.

    Raises:
        ConfigurationError: an unknown norm, condition_resize or panoptic; a latent vector without the size of the
            pictures, or with one that is no multiple of `size_divisor`; an encoder without a latent vector.

    Examples:
        >>> generator = SPADEGenerator(36, channels=4)
        >>> generator(torch.zeros(2, 36, 64, 128)).shape
        torch.Size([2, 3, 64, 128])

    Source: Park et al. 2019, section 3 and appendix A.
    """

    noise_per_pixel: ClassVar[bool] = False
    # Programs take the latent vector, so that they need no encoder.
    export_settings: ClassVar[Mapping[str, Any]] = {**SPADEDecoder.export_settings, "encoder_channels": 0}

    def __init__(
        self,
        condition_channels: int,
        noise_dim: int = 0,
        channels: int = 64,
        *,
        height: int | None = None,
        width: int | None = None,
        encoder_channels: int = 0,
        more_upsampling: bool = False,
        spade_channels: int = 128,
        norm: NormName = "sync_batch",
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        fast: bool = True,
        sparse: bool | None = None,
        condition_resize: ConditionResize = "nearest",
        panoptic: Surroundings | None = None,
        upsampling: Upsampling = "nearest",
    ) -> None:
        widths, doublings = seven_blocks(channels, more_upsampling)
        start_size = _coarsest(height, width, 2 ** len(doublings)) if noise_dim > 0 else None
        super().__init__(
            None if start_size is None else _linear(noise_dim, widths[0], start_size),
            condition_channels,
            0,
            widths,
            doublings,
            modulation=partial(SPADE, condition_channels=condition_channels, hidden_channels=spade_channels, norm=norm),
            spectral_norm=spectral_norm,
            fast=fast,
            sparse=sparse,
            condition_resize=condition_resize,
            panoptic=panoptic,
            upsampling=upsampling,
        )
        self.noise_dim = noise_dim
        self.start_size = start_size
        rescale(self, init_gain)
        if encoder_channels > 0 and noise_dim == 0:
            raise ConfigurationError(
                f"generator.encoder_channels={encoder_channels}: a style encoder needs a latent vector for its style, "
                "such as generator.noise_dim=256; model=spade_vae has both."
            )
        # Not rescaled: instance norms follow its convolutions.
        self.style_encoder = StyleEncoder(noise_dim, encoder_channels) if encoder_channels > 0 else None

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map; H and W multiples of `size_divisor`, and with a
                latent vector those of the constructor.
            noise: (B, Z) float, the latent vector of each picture: a style, or normally distributed; None = drawn from
                the global random state, or no latent vector.
            segments: (B, H, W) int64, see `Generator.forward`; ignored unless `needs_segments`.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: a size, a condition, a noise or segments that do not fit.
        """
        self.require_fitting(condition)
        if self.start_size is None:
            if noise is not None:
                raise ConfigurationError("SPADEGenerator: noise given to a generator without noise (noise_dim=0)")
            return self.decode(condition, segments=segments)
        return self.decode(condition, start=self._start(condition, noise, self.start_size), segments=segments)

    def encode_style(self, image: Tensor, segments: Tensor) -> Style:
        """See `StyleEncoding.encode_style`; for a generator with a style encoder."""
        assert self.style_encoder is not None
        style: Style = self.style_encoder(image)
        return style

    def _start(self, condition: Tensor, noise: Tensor | None, size: tuple[int, int]) -> Tensor:
        """(B, 16 * channels, *size), from the latent vectors."""
        built = tuple(self.size_divisor * length for length in size)
        if condition.shape[-2:] != built:
            raise ConfigurationError(
                f"SPADEGenerator: the label map has {condition.shape[-2]}x{condition.shape[-1]} pixels (height x "
                f"width), but a generator with a latent vector has one size, here {built[0]}x{built[1]}. Resize the "
                "map, or train with noise_dim=0."
            )
        expected = (condition.shape[0], self.noise_dim)  # not len(), which a program would take for a constant
        if noise is None:
            noise = torch.randn(expected, device=condition.device, dtype=condition.dtype)
        if noise.shape != expected:
            raise ConfigurationError(
                f"SPADEGenerator: noise of shape {tuple(noise.shape)}; it must be {expected}, one vector an image"
            )
        start: Tensor = self.stem(noise.to(condition))
        return start.view(condition.shape[0], -1, *size)


def _coarsest(height: int | None, width: int | None, divisor: int) -> tuple[int, int]:
    if height is None or width is None or min(height, width) < 1 or height % divisor or width % divisor:
        raise ConfigurationError(
            f"generator.height={height}, generator.width={width}: with a latent vector (noise_dim above 0) the size of "
            f"the pictures has to be given, in multiples of {divisor}, such as generator.height=${{data.height}}"
        )
    return height // divisor, width // divisor


def _linear(noise_dim: int, channels: int, size: tuple[int, int]) -> nn.Linear:
    layer = nn.Linear(noise_dim, channels * size[0] * size[1])
    initialize(layer)
    return layer
