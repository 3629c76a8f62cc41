"""Frozen networks of the package timm."""

import importlib
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.backbones import SETTING, Backbone, are_weights_to_be_loaded
from oasis.pretrained import cannot_fetch, read_state_dict, require_same_tensors


class TimmBackbone(Backbone):
    """A network of the package timm: the features of each size, as it gives them with `features_only`.

    Args:
        architecture: timm's name, such as convnext_tiny or efficientnet_b0.ra_in1k.
        weights_file: path of timm's state dict of that network; None = what timm downloads and caches.
        random_weights: do not load any weights: for tests, useless for training.

    Raises:
        ConfigurationError: timm is not installed; an architecture that it does not have, or without features of
            several sizes; weights that are missing or of another one.

    Source: Wightman 2019, "PyTorch Image Models".
    """

    def __init__(self, architecture: str, weights_file: str | None = None, random_weights: bool = False) -> None:
        super().__init__()
        overlay, load = {}, are_weights_to_be_loaded(weights_file, random_weights)
        if load and weights_file is not None:
            overlay["state_dict"] = _read(weights_file, architecture)
        self.network = _made(architecture, load, overlay)
        information = self.network.feature_info
        self._strides = information.reduction()
        self.channels = dict(zip(self._strides, information.channels(), strict=True))
        _require_pyramid(architecture, self.network, self._strides)
        self.freeze(self.network.pretrained_cfg["mean"], self.network.pretrained_cfg["std"])

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """See `Backbone.forward`."""
        features = zip(self._strides, self.network(self.normalized(image)), strict=True)
        return {stride: each for stride, each in features if stride in self.channels}


def _timm() -> Any:
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise ConfigurationError(
            f"discriminator/backbone=timm: timm cannot be imported ({error}). Install it (pip install timm) "
            "or take a backbone of torchvision: discriminator/backbone=convnext_tiny"
        ) from error


def _made(architecture: str, load: bool, overlay: dict[str, Any]) -> Any:
    timm = _timm()
    try:
        return timm.create_model(
            architecture, features_only=True, pretrained=load, pretrained_cfg_overlay=overlay or None
        )
    except (OSError, RuntimeError, LookupError, AttributeError, TypeError, ValueError, AssertionError) as error:
        if load and not overlay and timm.is_model(architecture):
            published = timm.get_pretrained_cfg(architecture)
            url = f"https://huggingface.co/{published.hf_hub_id}" if published.hf_hub_id else published.url
            raise cannot_fetch(f"timm's {architecture}", str(url), f"{SETTING}.weights_file", error) from error
        raise ConfigurationError(
            f"{SETTING}.architecture={architecture}: timm cannot make its features ({error}). "
            "timm.list_models() lists what it has."
        ) from error


def _read(weights_file: str, architecture: str) -> dict[str, Tensor]:
    """The state dict of a file, without the classifier; checked here, as timm ignores what it does not need."""
    state = read_state_dict(weights_file, architecture, "Save there what timm's model.state_dict() gives.")
    timm = _timm()
    if not timm.is_model(architecture):
        return state  # refused when it is made
    with torch.device("meta"):
        whole = timm.create_model(architecture)
    heads = whole.pretrained_cfg.get("classifier") or "head"
    prefixes = tuple(f"{each}." for each in ([heads] if isinstance(heads, str) else heads))
    wanted, found = (
        {name: value for name, value in each.items() if not name.startswith(prefixes)}
        for each in (whole.state_dict(), state)
    )
    require_same_tensors(wanted, found, weights_file, f"timm's {architecture}")
    return state


def _require_pyramid(architecture: str, network: nn.Module, strides: list[int]) -> None:
    """Raise unless the features are maps of ascending strides, channels first."""
    doubling = strides[0] > 1 and all(after == 2 * before for before, after in pairwise(strides))
    channels_last = "NHWC" in str(getattr(network, "output_fmt", ""))
    if not doubling or channels_last:
        raise ConfigurationError(
            f"{SETTING}.architecture={architecture}: its features have strides {strides}"
            f"{', channels last' if channels_last else ''}; the decoder needs those of a convolutional network, each "
            "half as large as the one before, such as convnext_tiny or efficientnet_b0."
        )
