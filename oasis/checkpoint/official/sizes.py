"""Inferring a network's settings from the shapes in an official state dict."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from oasis.checkpoint.official.reading import StateDict
from oasis.errors import CheckpointError, ConfigurationError

_OFFICIAL_NOISE = 64
_WIDEST = 16  # times the base width: how wide the generator starts


@dataclass(frozen=True)
class Dataset:
    """The dataset that a network with this number of classes was trained on."""

    name: str
    reader: str  # class of `oasis.data`
    label_space: str  # constructor of `LabelSpace`
    height: int
    width: int


# Pictures as in section 4 of Sushko et al. 2021. 20 classes: Cityscapes' train ids with void, not in the release.
DATASETS = {
    20: Dataset("cityscapes_train_ids", "Cityscapes", "cityscapes_train_ids", 256, 512),
    35: Dataset("cityscapes", "Cityscapes", "cityscapes_ids", 256, 512),
    151: Dataset("ade20k", "ADE20K", "ade20k", 256, 256),
    183: Dataset("coco_stuff", "COCOStuff", "coco_stuff", 256, 256),
}


def generator_config(state: StateDict, path: Path) -> dict[str, Any]:
    """The arguments of `OASISGenerator`, except the condition's channels and the noise.

    Raises:
        CheckpointError: this is a discriminator, another network, or one of another shape.
    """
    if "layer_up_last.weight" in state:
        raise CheckpointError(
            f"{path}: a discriminator. Give the generator first (*_EMA.pth is the best), and this file as "
            "--discriminator."
        )
    stem, image, shared = (
        _tensor(state, name, path, "generator")
        for name in ("fc.weight", "conv_img.weight", "body.0.norm_0.mlp_shared.0.weight")
    )
    if stem.shape[0] != _WIDEST * image.shape[1]:
        raise CheckpointError(
            f"{path}: fc.weight has {stem.shape[0]} outputs, but a generator that ends with {image.shape[1]} channels "
            f"starts with {_WIDEST} times as many. Six blocks or more are known, as published."
        )
    return {
        "_target_": "oasis.models.OASISGenerator",
        "_partial_": True,
        "_convert_": "all",
        "channels": image.shape[1],
        "num_blocks": _blocks(state, "body."),
        "spade_channels": shared.shape[0],
        "spade_kernel": shared.shape[2],
        "norm": "sync_batch" if any(name.endswith(".running_mean") for name in state) else "instance",
        "spectral_norm": _has_spectral_norm(state),
    }


def discriminator_config(state: StateDict, path: Path) -> dict[str, Any]:
    """The arguments of `OASISDiscriminator`, except the number of classes.

    Raises:
        CheckpointError: this is a generator or another network.
    """
    if "conv_img.weight" in state:
        raise CheckpointError(f"{path}: a generator, given as --discriminator. Discriminators are called *_D.pth.")
    last = _tensor(state, "layer_up_last.weight", path, "discriminator")
    return {
        "_target_": "oasis.models.OASISDiscriminator",
        "_partial_": True,
        "_convert_": "all",
        "channels": 2 * last.shape[1],
        "num_blocks": _blocks(state, "body_down."),
        "spectral_norm": _has_spectral_norm(state),
    }


def split_input(inputs: int, noise_dim: int | None, classes: int | None, path: Path) -> tuple[int, int]:
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
        known = ", ".join(f"{count} ({dataset.name})" for count, dataset in DATASETS.items())
        raise CheckpointError(
            f"{path}: its generator reads {inputs} channels{f', {classes} of them classes' if classes else ''}. Label "
            f"spaces are known for {known} classes, with {_OFFICIAL_NOISE} channels of noise or none; "
            "--noise-dim says if there are others."
        )
    return classes, inputs - classes


def _tensor(state: StateDict, name: str, path: Path, network: str) -> Tensor:
    """A convolution's weight, from which sizes are inferred."""
    if name not in state or state[name].dim() != 4:
        what = f"is of shape {tuple(state[name].shape)}" if name in state else "is missing"
        raise CheckpointError(
            f"{path}: not an official OASIS {network}: {name} {what}. It holds {', '.join(list(state)[:3])}, ..."
        )
    return state[name]


def _blocks(state: StateDict, prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in state if name.startswith(prefix)})


def _has_spectral_norm(state: StateDict) -> bool:
    return any(name.endswith(".weight_orig") for name in state)
