"""Importing the official SPADE."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

import torch
from torch import Tensor

from oasis.checkpoint.official.datasets import DATASETS, Dataset, split_condition
from oasis.checkpoint.official.names import (
    spade_discriminator_names,
    spade_generator_names,
    style_encoder_names,
)
from oasis.checkpoint.official.networks import (
    Contents,
    File,
    Files,
    Wishes,
    config_of,
    planned,
    prefixed,
    renamed,
    require_generator,
)
from oasis.checkpoint.official.reading import StateDict
from oasis.errors import CheckpointError, ConfigurationError
from oasis.models import PatchDiscriminator, SPADEGenerator

_WIDEST = 16  # times the base width: how wide the generator starts
_DIVISOR = 32  # of the size, for the start; twice as much with more upsampling
# SPADE moves the class `unknown` of these behind all others; here it comes first.
_UNKNOWN_LAST = ("ade20k", "coco_stuff")
_ASSUMED_START = (
    "The file does not say at which size the generator starts: assumed 1/32 of the picture's, SPADE's default. Its "
    "settings for Cityscapes have one more upsampling; if the pictures look wrong, import again with --more-upsampling."
)


def recognizes(file: File) -> bool:
    """Whether a file is of SPADE: generator, discriminator or encoder."""
    return any(file.has(prefix) for prefix in ("head_0.", "discriminator_0.", "fc_mu."))


def read(files: Files, wishes: Wishes) -> Contents:
    """The contents of a SPADE's files.

    Raises:
        CheckpointError: files of other networks or of other sizes than one another; tensors that do not fit.
        ConfigurationError: a size that the generator does not support.
    """
    file = files.generator
    require_generator(file, "discriminator_0.", "fc_mu.")
    shared = file.tensor("head_0.norm_0.mlp_shared.0.weight", "SPADE generator")
    num_classes, encoding = split_condition(shared.shape[1], file.path)
    dataset = DATASETS[num_classes]
    config, size = _generator_config(file, dataset, wishes)
    config |= _encoder_config(files.encoder, config["noise_dim"], file)
    generator = planned(SPADEGenerator, config, condition_channels=shared.shape[1])
    weights = _generator_weights(generator, files)
    order = _order(dataset, num_classes, shared.shape[1])
    for name, value in weights.items():
        reads_condition = name == "stem.weight" and value.dim() == 4
        if reads_condition or name.endswith(".shared.weight"):
            weights[name] = value[:, order]
    contents = Contents(
        "SPADE",
        num_classes,
        encoding,
        size,
        {"generator": config},
        {"generator": generator},
        prefixed(weights, "generator"),
        (_ASSUMED_START,) if config["noise_dim"] == 0 and wishes.more_upsampling is None else (),
    )
    if files.discriminator is not None:
        _add_discriminator(contents, files.discriminator, order)
    return contents


def _generator_config(file: File, dataset: Dataset, wishes: Wishes) -> tuple[dict[str, Any], tuple[int, int]]:
    """The arguments of `SPADEGenerator` but the condition's channels, and the size of the pictures."""
    image = file.tensor("conv_img.weight", "SPADE generator")
    shared = file.tensor("head_0.norm_0.mlp_shared.0.weight", "SPADE generator")
    channels = image.shape[1]
    start = file.state.get("fc.weight", torch.empty(()))
    settings: dict[str, Any] = {"noise_dim": 0, "height": None, "width": None}
    more, size = bool(wishes.more_upsampling), wishes.size(dataset.height, dataset.width)
    if start.dim() == 2:  # of a latent vector
        cells, rest = divmod(start.shape[0], _WIDEST * channels)
        if rest:
            raise CheckpointError(
                f"{file.path}: fc.weight has {start.shape[0]} outputs, but a generator that ends with {channels} "
                f"channels starts with a multiple of {_WIDEST * channels}."
            )
        more, size = _start(cells, dataset, wishes, file)
        settings = {"noise_dim": start.shape[1], "height": size[0], "width": size[1]}
    config = config_of(
        SPADEGenerator,
        **settings,
        channels=channels,
        more_upsampling=more,
        spade_channels=shared.shape[0],
        norm="sync_batch" if any(name.endswith(".running_mean") for name in file.state) else "instance",
        spectral_norm=file.has_spectral_norm,
    )
    return config, size


def _start(cells: int, dataset: Dataset, wishes: Wishes, file: File) -> tuple[bool, tuple[int, int]]:
    """Whether there is more upsampling, and the size of pictures whose start has so many pixels.

    Raises:
        ConfigurationError: the size given is another one.
    """
    choices = (False, True) if wishes.more_upsampling is None else (wishes.more_upsampling,)
    size = wishes.size(dataset.height, dataset.width)
    for more in choices:
        divisor = _DIVISOR * (1 + more)
        if size[0] // divisor * (size[1] // divisor) == cells and not (size[0] % divisor or size[1] % divisor):
            return more, size
    aspect = dataset.width // dataset.height
    rows = isqrt(cells // aspect)
    if wishes.height is not None or wishes.width is not None or aspect * rows**2 != cells:
        raise ConfigurationError(
            f"{file.path}: its start has {cells} pixels, which is not 1/32 or 1/64 of {size[0]}x{size[1]} (height x "
            "width). Give --height and --width of the pictures that it was trained on."
        )
    divisor = _DIVISOR * (1 + choices[0])
    return choices[0], (rows * divisor, aspect * rows * divisor)


def _encoder_config(encoder: File | None, noise_dim: int, generator: File) -> dict[str, Any]:
    if encoder is None:
        return {}
    first = encoder.state.get("layer1.0.weight_orig")
    if first is None:
        raise CheckpointError(
            f"{encoder.path}: not an official SPADE encoder: layer1.0.weight_orig is missing. Encoders are called "
            "*_net_E.pth."
        )
    mean = encoder.tensor("fc_mu.weight", "SPADE encoder", dims=2)
    if noise_dim != mean.shape[0]:
        has = f"a latent vector of {noise_dim} numbers" if noise_dim else "no latent vector"
        raise CheckpointError(
            f"{encoder.path}: an encoder of styles of {mean.shape[0]} numbers, but {generator.path} has {has}. Are "
            "they of one run (--use_vae)?"
        )
    return {"encoder_channels": first.shape[0]}


def _generator_weights(generator: SPADEGenerator, files: Files) -> StateDict:
    encoder, generator.style_encoder = generator.style_encoder, None
    weights = renamed(generator, files.generator, "SPADE generator", spade_generator_names)
    generator.style_encoder = encoder
    if encoder is not None and files.encoder is not None:
        weights |= prefixed(renamed(encoder, files.encoder, "SPADE encoder", style_encoder_names), "style_encoder")
    return weights


def _order(dataset: Dataset, num_classes: int, channels: int) -> list[int]:
    """For each channel of our condition, its position in theirs."""
    order = list(range(channels))
    if dataset.label_space in _UNKNOWN_LAST:
        order[:num_classes] = [num_classes - 1, *range(num_classes - 1)]
    return order


def _add_discriminator(contents: Contents, file: File, order: Sequence[int]) -> None:
    if not file.has("discriminator_0."):
        raise CheckpointError(
            f"{file.path}, given as --discriminator: no SPADE discriminator, as the generator is a SPADE's. It holds "
            f"{', '.join(list(file.state)[:3])}, ..."
        )
    first = file.tensor("discriminator_0.model0.0.weight", "SPADE discriminator")
    require_condition(first, len(order), file)
    config = config_of(
        PatchDiscriminator,
        channels=first.shape[0],
        num_layers=len(file.parts("discriminator_0.")) - 1,
        num_scales=len([part for part in file.parts("") if part.startswith("discriminator_")]),
        spectral_norm=True,
    )
    network = planned(PatchDiscriminator, config, condition_channels=len(order))
    weights = renamed(network, file, "SPADE discriminator", spade_discriminator_names)
    seen = [*order, *range(len(order), len(order) + 3)]  # the picture comes last
    for name, value in weights.items():
        if value.dim() == 4 and name.split(".")[2] == "0":
            weights[name] = value[:, seen]
    contents.configs["discriminator"] = config
    contents.networks["discriminator"] = network
    contents.weights.update(prefixed(weights, "discriminator"))


def require_condition(first: Tensor, channels: int, file: File) -> None:
    """Refuse a discriminator that sees other label maps than the generator.

    Raises:
        CheckpointError: the message has both numbers of channels.
    """
    if first.shape[1] != channels + 3:
        raise CheckpointError(
            f"{file.path}: this discriminator sees label maps of {first.shape[1] - 3} channels beside pictures of 3, "
            f"but the generator's have {channels}. Are both of one run, with the same classes and edges?"
        )
