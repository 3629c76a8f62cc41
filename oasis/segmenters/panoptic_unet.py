"""The network of the project's own segmenter."""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError

_EPSILON = 1e-5  # of BatchNorm


class UNetOutput(NamedTuple):
    """The raw output of the network.

    Attributes:
        logits: (B, N, H, W), of the N predicted classes.
        center: (B, 1, H, W), a heatmap that is 1 at the centres of instances.
        offset: (B, 2, H, W), from each pixel down and right to the centre of its instance, in picture heights.
    """

    logits: Tensor
    center: Tensor
    offset: Tensor

    def mirrored(self) -> "UNetOutput":
        """The output for the mirror image, mirrored back."""
        offset = self.offset.flip(-1) * self.offset.new_tensor([1.0, -1.0]).view(2, 1, 1)  # left and right are swapped
        return UNetOutput(self.logits.flip(-1), self.center.flip(-1), offset)

    def moved_back(self) -> "UNetOutput":
        """The output for a picture shifted one pixel down and right, shifted back; repeats the last row and column."""
        return UNetOutput(*(F.pad(part, (0, 1, 0, 1), mode="replicate")[..., 1:, 1:] for part in self))

    def mean(self, other: "UNetOutput") -> "UNetOutput":
        """The mean of two outputs."""
        # On CPUs, ten times as fast as the mean of a stack.
        return UNetOutput(*((one + another).div_(2) for one, another in zip(self, other, strict=True)))


class PanopticUNet(nn.Module):
    """A small U-Net with two heads: classes, and instances as centres and offsets.

    The encoder has residual blocks, from channels / 2 at the picture's own size to 4 * channels; the decoder adds the
    encoder's features of the same scale. Classes are predicted at full size, where poles are a pixel wide; centres and
    offsets, which are smooth, at half size and four pixels per feature.

    Args:
        num_classes: N, predicted classes.
        channels: width at half size, even.
        depth: number of halvings, at least 1.

    Raises:
        ConfigurationError: channels or depth out of range.

    Source: Cheng et al. 2020 (Panoptic-DeepLab), section 3.1, for the heads; Ronneberger et al. 2015, for the U-Net.
    """

    def __init__(self, num_classes: int, channels: int = 32, depth: int = 5) -> None:
        super().__init__()
        if channels < 2 or channels % 2:
            raise ConfigurationError(f"channels={channels}: must be even, and at least 2")
        if depth < 1:
            raise ConfigurationError(f"depth={depth}: the picture must be halved at least once")
        self.size_divisor = 2**depth
        widths = [channels * min(2**level, 8) // 2 for level in range(depth + 1)]
        pairs = list(pairwise(widths))
        self.num_features = 2 * widths[-1]
        self.stem = _convolution(3, widths[0])
        self.down = nn.ModuleList(nn.Sequential(_convolution(a, b, stride=2), _Residual(b)) for a, b in pairs)
        self.context = nn.Linear(widths[-1], widths[-1])
        self.lateral = nn.ModuleList(nn.Conv2d(b, a, 1, bias=False) for a, b in pairs)
        self.up = nn.ModuleList(_convolution(a, a) for a, _ in pairs)
        self.semantic = nn.Sequential(_convolution(widths[0], widths[0]), _zero_convolution(widths[0], num_classes))
        self.instances = nn.Sequential(
            _convolution(widths[1], widths[1]), _zero_convolution(widths[1], 4 * 3), nn.PixelShuffle(2)
        )
        self.to(memory_format=torch.channels_last)  # a third faster on CPUs

    def forward(self, image: Tensor) -> UNetOutput:
        """Predict for pictures of any size: (B, 3, H, W) float in [-1, 1]."""
        height, width = image.shape[-2:]
        *skips, x = self.scales(image)
        x = half = x + self.context(x.mean(dim=(2, 3)))[:, :, None, None]
        for skip, lateral, up in zip(reversed(skips), reversed(self.lateral), reversed(self.up), strict=True):
            half = x
            x = up(F.interpolate(lateral(x), scale_factor=2.0, mode="bilinear").add_(skip))
        logits = self.semantic(x)[:, :, :height, :width]
        instances = self.instances(half)[:, :, :height, :width]
        return UNetOutput(logits, instances[:, :1], instances[:, 1:])

    @torch.no_grad()
    def shift_logits(self, shift: Tensor) -> None:
        """Permanently add (N,) to the logits of every pixel."""
        bias = self.semantic[-1].get_parameter("bias")
        bias.add_(shift.to(bias))

    def scales(self, image: Tensor) -> list[Tensor]:
        """Features from full size to the deepest: (B, 3, H, W), padded by replication, to depth + 1 tensors."""
        bottom, right = (-size % self.size_divisor for size in image.shape[-2:])
        padded = F.pad(image, (0, right, 0, bottom), mode="replicate")
        features = [self.stem(padded.contiguous(memory_format=torch.channels_last))]
        for down in self.down:
            features.append(down(features[-1]))
        return features


class _Normalized(nn.Sequential):
    """A 3x3 convolution and BatchNorm, then whatever else: (B, C, H, W) to (B, D, H / stride, W / stride).

    In eval mode the first two are one convolution, which saves a pass over the features.
    """

    def __init__(self, incoming: int, outgoing: int, *others: nn.Module, stride: int = 1) -> None:
        convolution = nn.Conv2d(incoming, outgoing, 3, stride=stride, padding=1, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outgoing, eps=_EPSILON), *others)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        modules = list(self)
        if not self.training:
            x = F.conv2d(x, *self._folded(), self.stride, padding=1)
            del modules[:2]
        for module in modules:
            x = module(x)
        return x

    def _folded(self) -> tuple[Tensor, Tensor]:
        """The weight and the bias of the convolution that does the same as convolution and BatchNorm in eval mode."""
        norm = self[1]
        scale = norm.get_parameter("weight") * (norm.get_buffer("running_var") + _EPSILON).rsqrt()
        weight = self[0].get_parameter("weight") * scale.view(-1, 1, 1, 1)
        return weight, norm.get_parameter("bias") - norm.get_buffer("running_mean") * scale


def _convolution(incoming: int, outgoing: int, stride: int = 1) -> _Normalized:
    """3x3 convolution, BatchNorm, ReLU."""
    return _Normalized(incoming, outgoing, nn.ReLU(inplace=True), stride=stride)


def _zero_convolution(incoming: int, outgoing: int) -> nn.Conv2d:
    """A 1x1 convolution initialised to 0: no centres, and uniform over the classes."""
    convolution = nn.Conv2d(incoming, outgoing, 1)
    for parameter in convolution.parameters():
        nn.init.zeros_(parameter)
    return convolution


class _Residual(nn.Module):
    """A residual block of two 3x3 convolutions: (B, C, H, W) to (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _Normalized(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y: Tensor = self.second(self.first(x))
        return y.add_(x).relu_()
