"""Frozen networks that were trained on photos, as encoders."""

import warnings
from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.pretrained import (
    are_weights_in_checkpoint,
    cached_weights,
    cannot_fetch,
    read_state_dict,
    require_same_tensors,
)

_PROBED = 64  # height and width of the picture that strides are found with
SETTING = "discriminator.backbone"


class Backbone(nn.Module):
    """Base class of frozen networks that turn photos into features of several sizes.

    They stay in eval mode, and their weights get no gradient; the picture does. A subclass calls `freeze` when its
    network is made. The weights are part of the state dict, so that a checkpoint has everything to resume from.

    Attributes:
        channels: channels of the features at each stride, such as {4: 96, 8: 192}, in ascending order.
    """

    channels: dict[int, int]
    mean: Tensor
    std: Tensor

    def freeze(self, mean: Iterable[float], std: Iterable[float]) -> None:
        """Fix the weights, and the statistics of the photos in [0, 1] that the network was trained on."""
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor([*values]).view(3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Backbone":
        """Stays in eval mode: batch norms keep the statistics that they were trained with."""
        return super().train(False)

    def normalized(self, image: Tensor) -> Tensor:
        """Pictures in [-1, 1] as the network was trained to see them; the same shape."""
        return ((image + 1) / 2 - self.mean) / self.std

    def up_to(self, stride: int) -> None:
        """Remove what only features beyond a stride need; `channels` loses their entries."""
        self.channels = {each: width for each, width in self.channels.items() if each <= stride}

    def blocks(self) -> list[nn.Module]:
        """Parts that can be recomputed, see `Recomputable`; none here."""
        return []

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """Features by stride.

        Args:
            image: (B, 3, H, W) float in [-1, 1]; H and W multiples of the largest stride.

        Returns:
            For each stride s in `channels`, (B, channels[s], H / s, W / s) float.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")


class TorchvisionBackbone(Backbone):
    """A classifier of torchvision without its classifier: the last features of each size.

    Args:
        architecture: such as convnext_tiny; any whose `features` are a sequence of convolutional layers.
        weights_file: path of a torchvision state dict, of which the keys `features.*` are read; None = those that
            torchvision keeps in its cache, downloaded if they are not there.
        random_weights: do not load any weights: for tests, useless for training.

    Raises:
        ConfigurationError: an architecture that is unknown or does not fit; weights that are missing or of another one.

    Source: Liu et al. 2022 (ConvNeXt); Tan and Le 2021 (EfficientNetV2).
    """

    def __init__(self, architecture: str, weights_file: str | None = None, random_weights: bool = False) -> None:
        from torchvision.models import get_model, get_model_weights  # takes seconds, which no generator need wait for

        super().__init__()
        self._last = dict(_last_of_each_stride(architecture))
        self.channels = {stride: width for stride, (_, width) in self._last.items()}
        network = get_model(architecture, weights=None)
        self.layers: nn.Sequential = network.features
        published = get_model_weights(architecture).DEFAULT
        if are_weights_to_be_loaded(weights_file, random_weights):
            if weights_file is None:
                state, source = _fetch(architecture, published), str(cached_weights(published.url))
            else:
                state = read_state_dict(weights_file, architecture, f"Fetch {published.url}.")
                source = weights_file
            prefix = "features."
            state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            require_same_tensors(self.layers.state_dict(), state, source, f"torchvision's {architecture}")
            self.layers.load_state_dict(state)
        statistics = published.transforms()
        self.freeze(statistics.mean, statistics.std)

    def up_to(self, stride: int) -> None:
        """See `Backbone.up_to`."""
        super().up_to(stride)
        self._last = {each: found for each, found in self._last.items() if each in self.channels}
        self.layers = self.layers[: max(position for position, _ in self._last.values()) + 1]

    def blocks(self) -> list[nn.Module]:
        """The layers of the sequence."""
        return list(self.layers)

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """See `Backbone.forward`."""
        strides = {position: stride for stride, (position, _) in self._last.items()}
        features = {}
        x = self.normalized(image)
        for position, layer in enumerate(self.layers):
            x = layer(x)
            if position in strides:
                features[strides[position]] = x
        return features


def are_weights_to_be_loaded(weights_file: str | None, random_weights: bool) -> bool:
    """Whether a backbone has to read or fetch its weights.

    Raises:
        ConfigurationError: random weights and a file.
    """
    if random_weights:
        if weights_file is not None:
            raise ConfigurationError(
                f"{SETTING}.random_weights=true with {SETTING}.weights_file={weights_file}: choose one of the two."
            )
        warnings.warn(f"{SETTING}.random_weights=true: the backbone knows nothing; for tests only.", stacklevel=3)
    return not random_weights and not are_weights_in_checkpoint()


@cache
def _last_of_each_stride(architecture: str) -> dict[int, tuple[int, int]]:
    """Position and channels of the last layer at each stride, found on a picture without values.

    Raises:
        ConfigurationError: no such architecture, or one of another kind.
    """
    from torchvision.models import get_model

    found: dict[int, tuple[int, int]] = {}
    try:
        with torch.device("meta"):
            network = get_model(architecture, weights=None).eval()
            x = torch.empty(1, 3, _PROBED, _PROBED)
            for position, layer in enumerate(network.features):
                x = layer(x)
                found[_PROBED // x.shape[2]] = (position, x.shape[1])
                if x.shape[2] != x.shape[3] or _PROBED % x.shape[2]:
                    raise ValueError(f"its layer {position} returns {tuple(x.shape)}")
    except (ValueError, AttributeError, TypeError, RuntimeError, LookupError) as error:
        raise ConfigurationError(
            f"{SETTING}.architecture={architecture}: no network of torchvision with convolutional `features` "
            f"({error}). Such are convnext_tiny, convnext_small, efficientnet_b0 and efficientnet_v2_s."
        ) from error
    return {stride: found[stride] for stride in sorted(found) if stride > 1}


def _fetch(architecture: str, published: Any) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = published.get_state_dict(
            progress=True, check_hash=True, map_location="cpu", weights_only=True
        )
    except (OSError, RuntimeError) as error:  # OSError: no network; RuntimeError: a truncated file
        what = f"torchvision's {architecture} of the discriminator"
        raise cannot_fetch(what, published.url, f"{SETTING}.weights_file", error) from error
    return state
