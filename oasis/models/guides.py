"""Fast modulation of SPADE layers by a condition, without repeated computations.

A `Guide` is the condition at one scale, for all SPADEs of that scale. Both kinds are equal to `SPADE.forward` up to the
rounding of float32; those of INADE are in `segment_guides`.

- `DenseGuide` runs the convolutions over all pixels, but gamma and beta as one, and spatially constant noise
  separately: its convolution has only nine different results.
- `PatchGuide`, in `patch_guide`, runs them over distinct neighbourhoods.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from oasis.models.modulation import Modulation
from oasis.models.patches import Rows
from oasis.models.spade import SPADE
from oasis.models.table_modulation import modulate, modulate_and_project

Layer = TypeVar("Layer", bound=Modulation)


class Guide(ABC, Generic[Layer]):
    """What all modulations of one kind are steered by at one scale."""

    def shared_by(self, layers: Sequence[Layer]) -> "Guide[Layer]":
        """The same guide, with what these layers have in common computed for all of them at once."""
        return self

    @abstractmethod
    def modulate(
        self,
        layer: Layer,
        x: Tensor,
        norm: nn.Module,
        slope: float = 1.0,
        *,
        divisor: Tensor | None = None,
        overwrite: bool = False,
    ) -> Tensor:
        """leaky_relu(norm(x) * scale + shift) / divisor; the scale is 1 + gamma for SPADE, and gamma for INADE.

        Args:
            layer: computes scale and shift.
            x: (B, C, H, W) float, of this scale.
            norm: the layer's own normalisation, or `nn.Identity` for an x that is normalised already.
            slope: of the leaky ReLU, above 0; 1 for none.
            divisor: a scalar above 0; None for 1. Nearly free, since scale and shift are divided.
            overwrite: whether x may be overwritten if there are no gradients.

        Returns:
            (B, C, H, W) float.
        """

    def project(
        self, layer: Layer, x: Tensor, norm: nn.Module, weight: Tensor, divisor: Tensor | None = None
    ) -> Tensor:
        """A 1x1 convolution of the modulated x: (B, C, H, W) and weight (O, C, 1, 1) to (B, O, H, W)."""
        return F.conv2d(self.modulate(layer, x, norm, divisor=divisor), weight)


@dataclass(frozen=True)
class DenseGuide(Guide[SPADE]):
    """A guide that computes every pixel.

    Attributes:
        condition: (B, K, H, W) float, at this scale.
        noise: (B, Z) float, the same for all pixels of an image, or None if it is in the condition or there is
            none. The SPADEs' convolutions expect it before the condition.
        hidden: the features between a layer's convolutions, where they have been computed.
    """

    condition: Tensor
    noise: Tensor | None
    hidden: Mapping[SPADE, Tensor] = field(default_factory=dict)

    def shared_by(self, layers: Sequence[SPADE]) -> "DenseGuide":
        """See `Guide`: their first convolutions as one."""
        if not torch.is_grad_enabled():  # which would only hold more memory
            return self
        return replace(self, hidden=by_layer(layers, self._hidden(layers)))

    def modulate(
        self,
        layer: SPADE,
        x: Tensor,
        norm: nn.Module,
        slope: float = 1.0,
        *,
        divisor: Tensor | None = None,
        overwrite: bool = False,
    ) -> Tensor:
        """See `Guide`."""
        weight, bias = scale_and_shift(layer)
        if divisor is not None:
            weight, bias = weight / divisor, bias / divisor
        hidden = self.hidden[layer] if layer in self.hidden else self._hidden([layer])
        scale, shift = F.conv2d(hidden, weight, bias, padding=weight.shape[-1] // 2).chunk(2, dim=1)
        out = torch.addcmul(shift, norm(x), scale)
        return out if slope == 1 else F.leaky_relu(out, slope, inplace=True)

    def _hidden(self, layers: Sequence[SPADE]) -> Tensor:
        """The features between the convolutions: (B, hidden channels of all layers, H, W)."""
        weight, bias = first_convolutions(layers)
        padding = weight.shape[-1] // 2
        if self.noise is None:
            return F.relu(F.conv2d(self.condition, weight, bias, padding=padding), inplace=True)
        dim = self.noise.shape[1]
        hidden = F.conv2d(self.condition, weight[:, dim:], bias, padding=padding)
        return F.relu(hidden + self._of_noise(self.noise, weight[:, :dim]), inplace=True)

    def _of_noise(self, noise: Tensor, weight: Tensor) -> Tensor:
        """The convolution of a constant map, computed on a map of the kernel's size, which has all distinct results."""
        kernel, size = weight.shape[-1], self.condition.shape[-2:]
        small = [min(kernel, length) for length in size]
        results = F.conv2d(noise[:, :, None, None].expand(-1, -1, *small), weight, padding=kernel // 2)
        for dim, (length, few) in enumerate(zip(size, small, strict=True), start=2):
            middle = torch.full((length - few,), few // 2, device=noise.device)
            ends = torch.arange(few, device=noise.device)
            results = results.index_select(dim, torch.cat([ends[: few // 2], middle, ends[few // 2 :]]))
        return results


class TableGuide(Guide[Layer]):
    """A guide that computes scales and shifts for each row of a table, which many pixels share.

    Attributes:
        pixels: the row of each pixel.
    """

    @property
    @abstractmethod
    def pixels(self) -> Rows:
        """See the class."""

    @abstractmethod
    def rows(self, layer: Layer) -> Tensor:
        """The scale and the shift of each row: (D, 2 C) newly made, of the weights' type, under autocast too."""

    def modulate(
        self,
        layer: Layer,
        x: Tensor,
        norm: nn.Module,
        slope: float = 1.0,
        *,
        divisor: Tensor | None = None,
        overwrite: bool = False,
    ) -> Tensor:
        """See `Guide`."""
        x, rows = self._folded(layer, x, norm, divisor)
        return modulate(x, rows, self.pixels, slope, overwrite=overwrite)

    def project(
        self, layer: Layer, x: Tensor, norm: nn.Module, weight: Tensor, divisor: Tensor | None = None
    ) -> Tensor:
        """See `Guide`."""
        if torch.is_grad_enabled():
            return super().project(layer, x, norm, weight, divisor)
        x, rows = self._folded(layer, x, norm, divisor)
        return modulate_and_project(x, rows, self.pixels, weight[:, :, 0, 0].to(x.dtype))

    def _folded(self, layer: Layer, x: Tensor, norm: nn.Module, divisor: Tensor | None) -> tuple[Tensor, Tensor]:
        """The pair of x and rows, with the normalisation in one of the two: in the rows if it is fixed."""
        rows = self.rows(layer)
        if divisor is not None:
            rows = rows / divisor
        if isinstance(norm, _BatchNorm) and not norm.training and not torch.is_grad_enabled():
            rows = _fold(rows, norm)
        else:
            x = norm(x)
        return x, rows.to(x.dtype)


def by_layer(layers: Sequence[SPADE], hidden: Tensor) -> dict[SPADE, Tensor]:
    """Hidden features of all layers, (B, channels, ...) or (D, channels), as views by layer."""
    parts = torch.split(hidden, [layer.shared.out_channels for layer in layers], dim=1)
    return dict(zip(layers, parts, strict=True))


def first_convolutions(layers: Sequence[SPADE]) -> tuple[Tensor, Tensor]:
    """Weight and bias of one convolution for the hidden features of all layers."""
    first, *others = [layer.shared for layer in layers]
    if not others:
        return first.weight, _bias(first)
    return torch.cat([each.weight for each in (first, *others)]), torch.cat([_bias(each) for each in (first, *others)])


def scale_and_shift(spade: SPADE) -> tuple[Tensor, Tensor]:
    """Weight and bias of one convolution for 1 + gamma and beta."""
    weight = torch.cat([spade.gamma.weight, spade.beta.weight])
    return weight, torch.cat([_bias(spade.gamma) + 1, _bias(spade.beta)])


def _bias(convolution: nn.Conv2d) -> Tensor:
    if convolution.bias is None:
        raise TypeError("SPADE's convolutions have biases")
    return convolution.bias


def _fold(rows: Tensor, norm: _BatchNorm) -> Tensor:
    """Fold a norm in eval mode into `rows`, which then apply to x: (D, 2 C) to (D, 2 C), overwritten."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise TypeError("SPADE's batch norms keep running statistics")
    scale, shift = rows.chunk(2, dim=1)
    shift.addcmul_(scale.div_((variance + norm.eps).sqrt()), mean, value=-1)
    return rows
