"""Importing the official OASIS."""

from pathlib import Path
from typing import Any

from torch import nn

from oasis.checkpoint.official.datasets import DATASETS, known_classes
from oasis.checkpoint.official.names import official_names
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
from oasis.models import OASISDiscriminator, OASISGenerator

_OFFICIAL_NOISE = 64
_WIDEST = 16  # times the base width: how wide the generator starts


def recognizes(file: File) -> bool:
    """Whether a file is of OASIS: generator or discriminator."""
    return any(file.has(prefix) for prefix in ("body.", "layer_up_last.", "body_down."))


def read(files: Files, wishes: Wishes) -> Contents:
    """The contents of an OASIS's files.

    Raises:
        CheckpointError: files of other networks; tensors that do not fit.
        ConfigurationError: the user and the files disagree about the noise.
    """
    if files.encoder is not None:
        raise CheckpointError(f"{files.encoder.path}, given as --encoder: OASIS has none. SPADE has.")
    file, other = files.generator, files.discriminator
    config = _generator_config(file)
    configs, networks, weights = {"generator": config}, dict[str, nn.Module](), StateDict()
    classes = None
    if other is not None:
        configs["discriminator"] = _discriminator_config(other)
        classes = other.state["layer_up_last.weight"].shape[0] - 1  # and fake
        network = planned(OASISDiscriminator, configs["discriminator"], num_classes=classes)
        networks["discriminator"] = network
    num_classes, noise = _split_input(file.state["fc.weight"].shape[1], wishes.noise_dim, classes, file.path)
    config["noise_dim"] = noise
    networks["generator"] = planned(OASISGenerator, config, condition_channels=num_classes)
    for name, source in (("generator", file), ("discriminator", other)):
        if source is not None:
            weights |= prefixed(renamed(networks[name], source, f"OASIS {name}", official_names), name)
    dataset = DATASETS[num_classes]
    size = wishes.size(dataset.height, dataset.width)
    return Contents("OASIS", num_classes, "Semantic", size, configs, networks, weights)


def _generator_config(file: File) -> dict[str, Any]:
    """The arguments of `OASISGenerator`, except the condition's channels and the noise.

    Raises:
        CheckpointError: this is a discriminator, another network, or one of another shape.
    """
    require_generator(file, "layer_up_last.", None)
    stem, image, shared = (
        file.tensor(name, "OASIS generator")
        for name in ("fc.weight", "conv_img.weight", "body.0.norm_0.mlp_shared.0.weight")
    )
    if stem.shape[0] != _WIDEST * image.shape[1]:
        raise CheckpointError(
            f"{file.path}: fc.weight has {stem.shape[0]} outputs, but a generator that ends with {image.shape[1]} "
            f"channels starts with {_WIDEST} times as many. Six blocks or more are known, as published."
        )
    return config_of(
        OASISGenerator,
        channels=image.shape[1],
        num_blocks=len(file.parts("body.")),
        spade_channels=shared.shape[0],
        spade_kernel=shared.shape[2],
        norm="sync_batch" if any(name.endswith(".running_mean") for name in file.state) else "instance",
        spectral_norm=file.has_spectral_norm,
    )


def _discriminator_config(file: File) -> dict[str, Any]:
    """The arguments of `OASISDiscriminator`, except the number of classes.

    Raises:
        CheckpointError: this is a generator or another network.
    """
    if "conv_img.weight" in file.state:
        raise CheckpointError(f"{file.path}: a generator, given as --discriminator. Discriminators are called *_D.pth.")
    last = file.tensor("layer_up_last.weight", "OASIS discriminator")
    return config_of(
        OASISDiscriminator,
        channels=2 * last.shape[1],
        num_blocks=len(file.parts("body_down.")),
        spectral_norm=file.has_spectral_norm,
    )


def _split_input(inputs: int, noise_dim: int | None, classes: int | None, path: Path) -> tuple[int, int]:
    """Split a generator's input channels into classes and noise.

    Args:
        inputs: channels of the generator's input, noise and classes together.
        noise_dim: given by the user; None = inferred.
        classes: of the discriminator; None = there is none.
        path: of the generator's file, for the error.

    Returns:
        The number of classes, which is one of `DATASETS`, and the noise's channels.

    Raises:
        ConfigurationError: the user and the files disagree.
        CheckpointError: another number of classes than those of `DATASETS`.
    """
    if classes is not None and noise_dim is not None and classes + noise_dim != inputs:
        raise ConfigurationError(
            f"--noise-dim {noise_dim}: {path} reads {inputs} channels, of which the discriminator knows {classes} as "
            f"classes; {inputs - classes} are left for noise."
        )
    published = next((inputs - noise for noise in (_OFFICIAL_NOISE, 0) if inputs - noise in DATASETS), None)
    if noise_dim is not None:
        classes = inputs - noise_dim
    elif classes is not None and published not in (None, classes):
        raise ConfigurationError(
            f"{path} seems to know {published} classes, the discriminator {classes}: are they of one run? If so, say "
            f"--noise-dim {inputs - classes}."
        )
    else:
        classes = classes or published
    if classes not in DATASETS or inputs < classes:
        raise CheckpointError(
            f"{path}: its generator reads {inputs} channels{f', {classes} of them classes' if classes else ''}. Label "
            f"spaces are known for {known_classes()} classes, with {_OFFICIAL_NOISE} channels of noise or none; "
            "--noise-dim says if there are others."
        )
    return classes, inputs - classes
