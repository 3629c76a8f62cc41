"""The interfaces of generators and discriminators."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor, nn


class Generator(nn.Module):
    """Base class of networks from an encoded label map, and optional noise, to a photo.

    The constructor is called with `condition_channels` and `num_classes`, if it has these parameters; everything else
    comes from its own configuration. A network is rebuilt from the configuration and the state dict alone.

    Attributes:
        size_divisor: height and width must be multiples of it.
        noise_dim: Z, the length of the noise vectors; 0 for a generator without noise.
        needs_segments: whether `forward` is called with `segments`; a dataset without instances is then refused.
        needs_classes: whether it takes the largest of the condition's first C channels for the class of a pixel; an
            encoding where it is not is then refused.
        noise_per_pixel: whether it takes one noise vector per pixel, beside one per image.
        noise_per_segment: whether it takes one noise vector per segment instead; it then needs segments.
        num_segments: S, one above the highest possible number of a segment; for a generator with noise or style per
            segment.
        style_per_segment: whether its noise is never normal but the style of each segment: encoded of a photo in
            training, drawn from `FeatureClusters` afterwards; see `StyleEncoding`.
        added_weights: how the names of weights begin that an option adds to the network; a run with the option may
            start from weights without them.
    """

    size_divisor: int = 1
    noise_dim: int = 0
    num_segments: int = 0
    needs_segments: bool = False
    needs_classes: ClassVar[bool] = False
    noise_per_pixel: ClassVar[bool] = True
    noise_per_segment: ClassVar[bool] = False
    style_per_segment: ClassVar[bool] = False
    added_weights: ClassVar[tuple[str, ...]] = ()

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The shape of normally distributed noise of one picture: (Z,), or (S, Z) for one vector per segment."""
        return (self.num_segments, self.noise_dim) if self.noise_per_segment else (self.noise_dim,)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map.
            noise: (B, Z) float, one vector per image, or (B, Z, H, W), one per pixel, see `noise_per_pixel`; (B, S, Z),
                one per segment and number in `segments`, for a generator with `noise_per_segment`. None for a generator
                without noise, or to draw it from torch's global random state. The style of a photo is given here too,
                see `StyleEncoding`.
            segments: (B, H, W) int64, a number for each segment of an image: each instance, and each class where there
                is no instance; passed if `needs_segments`.

        Returns:
            (B, 3, H, W) float in [-1, 1].
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")


class Discriminator(nn.Module):
    """Base class of networks that distinguish real from fake pictures.

    The constructor is called with `condition_channels`, `num_classes` and `num_things`, how many of the classes have
    instances, if it has these parameters. The inputs and
    outputs of `forward` are defined by its objective, see `Objective.discriminator_inputs`.

    Attributes:
        size_divisor: height and width must be multiples of it.
    """

    size_divisor: int = 1


@runtime_checkable
class Recomputable(Protocol):
    """Optional: a network with blocks for activation checkpointing, for `model.recompute=true`."""

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """Blocks without random numbers that take most of the memory."""


@runtime_checkable
class Exportable(Protocol):
    """Optional: a generator that can be built as a graph of plain operators with the same weights.

    Attributes:
        export_settings: constructor settings of that graph, without spectral norms, which are divided into the weights.
    """

    export_settings: ClassVar[Mapping[str, Any]]


class Style(NamedTuple):
    """The styles of photos: normal distributions of the noise of a generator.

    Attributes:
        mean: (B, Z) float, or (B, Z, H, W) if it differs within a photo; the noise to use without randomness.
        log_variance: of the same shape; None = there is no randomness.
    """

    mean: Tensor
    log_variance: Tensor | None = None

    def sample(self, normal: Tensor | None = None) -> Tensor:
        """A noise of this style, of the shape of the mean and differentiable.

        Args:
            normal: standard normal numbers of that shape; None = drawn from the global random state.

        Source: Kingma and Welling 2014, section 2.4.
        """
        if self.log_variance is None:
            return self.mean
        normal = torch.randn_like(self.mean) if normal is None else normal.to(self.mean)
        return torch.addcmul(self.mean, normal, torch.exp(0.5 * self.log_variance))


@runtime_checkable
class StyleEncoding(Protocol):
    """Optional: a generator whose noise can be the style of a photo; ask `encodes_style`.

    Attributes:
        style_encoder: a part of the generator, trained with it; None = this one has none.
    """

    style_encoder: nn.Module | None

    def encode_style(self, image: Tensor, segments: Tensor) -> Style:
        """The style of each photo.

        Args:
            image: (B, 3, H, W) float in [-1, 1].
            segments: (B, H, W) int64, see `Generator.forward`.
        """


def encodes_style(generator: Generator) -> TypeGuard[StyleEncoding]:
    """Whether a generator has a style encoder."""
    return isinstance(generator, StyleEncoding) and generator.style_encoder is not None
