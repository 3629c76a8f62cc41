"""Importing the official pix2pixHD."""

from functools import partial
from typing import Any

from oasis.checkpoint.official.datasets import DATASETS, split_condition
from oasis.checkpoint.official.names import pix2pixhd_discriminator_names, pix2pixhd_names
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
from oasis.checkpoint.official.spade import require_condition
from oasis.errors import CheckpointError
from oasis.models import PatchDiscriminator, Pix2PixHDGenerator, Pix2PixHDLocalEnhancer

_FIRST_HALVING = 4  # position in the sequence, after padding, convolution, norm and activation
_LAYERS_PER_HALVING = 3
_GLOBAL, _LOCAL = (512, 1024), (1024, 2048)  # published sizes


def recognizes(file: File) -> bool:
    """Whether a file is of pix2pixHD: generator, discriminator or encoder."""
    return any(file.has(prefix) for prefix in ("model.", "model1_1.", "scale0_layer0."))


def read(files: Files, wishes: Wishes) -> Contents:
    """The contents of a pix2pixHD's files.

    Raises:
        CheckpointError: files of other networks or of other sizes than one another; tensors that do not fit.
    """
    file = files.generator
    require_generator(file, "scale0_layer0.", None)
    first = file.tensor("model.1.weight", "pix2pixHD generator")
    _refuse_encoder(files, first.shape[1])
    num_classes, encoding = split_condition(first.shape[1], file.path)
    kind, config = _generator_config(file, first.shape[0])
    generator = planned(kind, config, condition_channels=first.shape[1])
    weights = renamed(generator, file, "pix2pixHD generator", pix2pixhd_names)
    contents = Contents(
        "pix2pixHD",
        num_classes,
        encoding,
        wishes.size(*(_LOCAL if kind is Pix2PixHDLocalEnhancer else _GLOBAL)),
        {"generator": config},
        {"generator": generator},
        prefixed(weights, "generator"),
    )
    if files.discriminator is not None:
        _add_discriminator(contents, files.discriminator, first.shape[1])
    return contents


def _refuse_encoder(files: Files, channels: int) -> None:
    """Refuse models of instance features, and an encoder taken for a generator."""
    if channels == 3:
        raise CheckpointError(
            f"{files.generator.path}: a feature encoder of pix2pixHD, which reads photos. Give the generator: "
            "*_net_G.pth."
        )
    features = channels - 3 in DATASETS or channels - 4 in DATASETS
    if files.encoder is not None or features:
        raise CheckpointError(
            f"{(files.encoder or files.generator).path}: of a pix2pixHD with instance features (--instance_feat), "
            "which cannot be imported. The published one for label maps alone can."
        )


def _generator_config(
    file: File, channels: int
) -> tuple[type[Pix2PixHDGenerator] | type[Pix2PixHDLocalEnhancer], dict[str, Any]]:
    """The class of a generator, and its arguments but the condition's channels."""
    blocks = _blocks(file, "model.")
    if not blocks:
        raise CheckpointError(f"{file.path}: not an official pix2pixHD generator: it has no model.*.conv_block.")
    num_halvings = (min(blocks) - _FIRST_HALVING) // _LAYERS_PER_HALVING
    settings = {"num_halvings": num_halvings, "num_blocks": len(blocks)}
    if file.has("model1_1."):
        local = len(_blocks(file, "model1_2."))
        config = config_of(Pix2PixHDLocalEnhancer, channels=channels // 2, **settings, num_local_blocks=local)
        return Pix2PixHDLocalEnhancer, config
    last = max(blocks) + _LAYERS_PER_HALVING * num_halvings + 2  # behind a padding
    if f"model.{last}.weight" not in file.state:
        raise CheckpointError(
            f"{file.path}: the global part of a local enhancer: it has no last layer (model.{last}), which makes "
            "pictures. Give the file with model1_1 and model1_2 too, as latest_net_G.pth of the whole network has them."
        )
    return Pix2PixHDGenerator, config_of(Pix2PixHDGenerator, channels=channels, **settings)


def _blocks(file: File, prefix: str) -> list[int]:
    """Positions of the residual blocks in a sequence."""
    names = {name.removeprefix(prefix) for name in file.state if name.startswith(prefix) and ".conv_block." in name}
    return sorted({int(name.split(".")[0]) for name in names if name.split(".")[0].isdecimal()})


def _add_discriminator(contents: Contents, file: File, channels: int) -> None:
    if not file.has("scale0_layer0."):
        raise CheckpointError(
            f"{file.path}, given as --discriminator: no pix2pixHD discriminator (of feature matching, the default), as "
            f"the generator is a pix2pixHD's. It holds {', '.join(list(file.state)[:3])}, ..."
        )
    first = file.tensor("scale0_layer0.0.weight", "pix2pixHD discriminator")
    require_condition(first, channels, file)
    layers = {part for part in file.parts("") if part.startswith("scale")}
    num_scales = len({part.split("_")[0] for part in layers})
    config = config_of(
        PatchDiscriminator,
        channels=first.shape[0],
        num_layers=len(layers) // num_scales - 1,
        num_scales=num_scales,
        spectral_norm=False,
    )
    network = planned(PatchDiscriminator, config, condition_channels=channels)
    names = partial(pix2pixhd_discriminator_names, num_scales=num_scales)
    contents.configs["discriminator"] = config
    contents.networks["discriminator"] = network
    contents.weights.update(prefixed(renamed(network, file, "pix2pixHD discriminator", names), "discriminator"))
