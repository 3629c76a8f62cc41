"""The perceptual loss: the distance of two pictures in features of VGG-19."""

import os
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.pretrained import cached_weights, cannot_fetch, read_state_dict

# Convolutions of VGG-19 by their position in torchvision's `features`, in stages between 2x2 max poolings. The
# first ReLU of each stage is compared; nothing after the fifth of them is needed.
_STAGES = ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28,))
_STAGE_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
"""Where torchvision has the weights; torchvision itself takes seconds to load."""

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class VGGPerceptualLoss(nn.Module):
    """L1 distance of the features relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 of VGG-19.

    The pictures are normalised with the statistics that VGG was trained with; pix2pixHD, SPADE and OASIS pass [-1, 1]
    unchanged. The network is frozen and stored in non-persistent buffers: it moves with the module, but is neither
    trained nor averaged nor saved.

    Args:
        weights: path of a torchvision VGG-19 state dict, of which the keys `features.*` are read; None = the
            one that torchvision downloads and caches.

    Raises:
        ConfigurationError: if the weights are missing, unreadable or of another network.

    Source: Johnson et al. 2016, equation 2; Wang et al. 2018 (pix2pixHD), section 3.3, for the features and weights.
    """

    def __init__(self, weights: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        state = _download() if weights is None else _read(weights)
        source = VGG19_URL if weights is None else os.fspath(weights)
        for name, tensor in _select(state, source).items():
            self.register_buffer(name, tensor, persistent=False)
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(3, 1, 1), persistent=False)

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Compare.

        Args:
            fake: (B, 3, H, W) float in [-1, 1]; gets a gradient.
            real: (B, 3, H, W) float in [-1, 1]; gets none.

        Returns:
            Scalar float32, 0 for identical pictures.
        """
        with torch.no_grad():
            targets = self.features(real)
        distances = [
            weight * F.l1_loss(ours.float(), target.float())
            for weight, ours, target in zip(_STAGE_WEIGHTS, self.features(fake), targets, strict=True)
        ]
        return torch.stack(distances).sum()

    def features(self, image: Tensor) -> list[Tensor]:
        """The five compared features: (B, 3, H, W) in [-1, 1] to (B, 64, H, W) .. (B, 512, H / 16, W / 16)."""
        x = ((image + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("std")
        features = []
        for stage, positions in enumerate(_STAGES):
            if stage > 0:
                x = F.max_pool2d(x, 2)
            for position in positions:
                weight, bias = self.get_buffer(f"weight_{position}"), self.get_buffer(f"bias_{position}")
                x = F.relu(F.conv2d(x, weight, bias, padding=1), inplace=True)
                if position == positions[0]:
                    features.append(x)
        return features


def cached_vgg19() -> Path:
    """Where torchvision keeps its VGG-19, whether it is there or not."""
    return cached_weights(VGG19_URL)


def _download() -> dict[str, Tensor]:
    from torchvision.models import VGG19_Weights

    try:
        state: dict[str, Tensor] = VGG19_Weights.IMAGENET1K_V1.get_state_dict(
            progress=True, check_hash=True, map_location="cpu", weights_only=True
        )
    except (OSError, RuntimeError) as error:  # OSError: no network; RuntimeError: a truncated file
        raise cannot_fetch(
            "the VGG-19 of the perceptual loss", VGG19_URL, "objective.perceptual_weights_file", error
        ) from error
    return state


def _read(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    remedy = f"Fetch {VGG19_URL}, or give weights=None to let torchvision fetch it"
    return read_state_dict(path, "VGG-19", remedy)


def _select(state: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    chosen: dict[str, Tensor] = {}
    channels = 3
    for position in (position for stage in _STAGES for position in stage):
        weight, bias = (state.get(f"features.{position}.{kind}") for kind in ("weight", "bias"))
        if weight is None or bias is None:
            raise ConfigurationError(
                f"{source}: has no features.{position}.weight and .bias; give a state dict of torchvision's vgg19 "
                f"(not vgg19_bn)"
            )
        out_channels = bias.shape[0]
        if weight.shape != (out_channels, channels, 3, 3):
            raise ConfigurationError(
                f"{source}: features.{position}.weight is {tuple(weight.shape)}, not {(out_channels, channels, 3, 3)}"
            )
        chosen[f"weight_{position}"], chosen[f"bias_{position}"] = weight.detach(), bias.detach()
        channels = out_channels
    return chosen
