"""The dilated residual network DRN-D-105, as it was trained to segment Cityscapes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FIRST = 16  # width of the first layers
_EXPANSION = 4  # a bottleneck's output in its planes
_LEVELS = (  # blocks, planes, stride, dilation
    (3, 64, 2, 1),
    (4, 128, 2, 1),
    (23, 256, 1, 2),
    (3, 512, 1, 4),
)
_STRIDE = 8  # of the whole network


class DRN(nn.Module):
    """DRN-D-105 with a segmentation head; its state dict has the names of the published files.

    Strides stop at an eighth of the picture; from there on, convolutions are dilated. The last layers undo the
    dilation, against the gridding that it leaves.

    Source: Yu et al. 2017 (Dilated Residual Networks), sections 2 to 4, DRN-D; 105 layers.

    Args:
        num_classes: N.
    """

    num_features = 512

    def __init__(self, num_classes: int = 19) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            _convolution(3, _FIRST, kernel=7),
            _convolution(_FIRST, _FIRST),
            _convolution(_FIRST, 2 * _FIRST, stride=2),
        ]
        width = 2 * _FIRST
        for blocks, planes, stride, dilation in _LEVELS:
            first = _Bottleneck(width, planes, stride, dilation)
            width = planes * _EXPANSION
            layers.append(nn.Sequential(first, *(_Bottleneck(width, planes, 1, dilation) for _ in range(blocks - 1))))
        layers += [
            _convolution(width, self.num_features, dilation=2),
            _convolution(self.num_features, self.num_features),
        ]
        self.base = nn.Sequential(*layers)
        self.seg = nn.Conv2d(self.num_features, num_classes, 1)
        self.up = _BilinearUp(num_classes)

    def features(self, image: Tensor) -> Tensor:
        """Normalised pictures (B, 3, H, W) to the last feature maps, (B, 512, ceil(H/8), ceil(W/8)) float."""
        features: Tensor = self.base(image)
        return features

    def forward(self, image: Tensor) -> Tensor:
        """Normalised pictures (B, 3, H, W) to logits of the classes, (B, N, H, W) float."""
        logits: Tensor = self.up(self.seg(self.features(image)))
        return logits[..., : image.shape[-2], : image.shape[-1]]  # they are larger if 8 does not divide the size


def bilinear_kernel(num_classes: int) -> Tensor:
    """The weights of the interpolation: (N, 1, 16, 16) float32."""
    line = 1 - ((torch.arange(2 * _STRIDE) + 0.5) / _STRIDE - 1).abs()
    return torch.outer(line, line).expand(num_classes, 1, -1, -1).contiguous()


class _BilinearUp(nn.Module):
    """Bilinear interpolation to eight times the size, as a transposed convolution of each class by itself.

    It differs from `F.interpolate` in the outermost 4 pixels, where what lies outside of the map counts as 0.
    """

    weight: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("weight", bilinear_kernel(num_classes))  # fixed, but the published files hold it

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, H, W) to (B, N, 8 H, 8 W)."""
        return F.conv_transpose2d(x, self.weight, stride=_STRIDE, padding=_STRIDE // 2, groups=x.shape[1])


class _Bottleneck(nn.Module):
    """A residual block: 1x1, 3x3 with stride and dilation, 1x1 to four times its planes."""

    def __init__(self, incoming: int, planes: int, stride: int, dilation: int) -> None:
        super().__init__()
        outgoing = planes * _EXPANSION
        self.conv1 = nn.Conv2d(incoming, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outgoing, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outgoing)
        self.downsample = (
            nn.Sequential(nn.Conv2d(incoming, outgoing, 1, stride, bias=False), nn.BatchNorm2d(outgoing))
            if stride != 1 or incoming != outgoing
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, incoming, H, W) to (B, 4 planes, H / stride, W / stride)."""
        residual = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + residual)


def _convolution(incoming: int, outgoing: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution, BatchNorm, ReLU."""
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(incoming, outgoing, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outgoing), nn.ReLU(inplace=True))
