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
from oasis.checkpoint.official.reading import StateDict
from oasis.checkpoint.official.spade import require_condition
from oasis.errors import CheckpointError
from oasis.models import (
    Generator,
    PatchDiscriminator,
    Pix2PixHDFeatureGenerator,
    Pix2PixHDGenerator,
    Pix2PixHDLocalEnhancer,
)

_FIRST_HALVING = 4  # position in the sequence, after padding, convolution, norm and activation
_LAYERS_PER_HALVING = 3
_LAST_WITHOUT_HALVINGS = 5  # position of the last layer of an encoder that would halve no size
_FEATURES = 3  # published number
_PHOTO = 3  # channels
_CONDITIONS = {classes + edges for classes in DATASETS for edges in (0, 1)}
_GENERATOR = "pix2pixHD generator"
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
    features, encoder = _features(files, first.shape[1])
    condition = first.shape[1] - features
    num_classes, encoding = split_condition(condition, file.path)
    kind, config = _generator_config(file, first.shape[0])
    size = wishes.size(*(_LOCAL if kind is Pix2PixHDLocalEnhancer else _GLOBAL))
    if files.encoder is None:
        generator: Generator = planned(kind, config, condition_channels=condition)
        weights = renamed(generator, file, _GENERATOR, pix2pixhd_names)
    else:
        sizes = {name: value for name, value in config.items() if not name.startswith("_")}
        config = config_of(Pix2PixHDFeatureGenerator, **sizes, feature_channels=features, **encoder)
        generator, weights = _with_features(files.encoder, file, config, condition, num_classes)
    contents = Contents(
        "pix2pixHD",
        num_classes,
        encoding,
        size,
        {"generator": config},
        {"generator": generator},
        prefixed(weights, "generator"),
    )
    if files.discriminator is not None:
        _add_discriminator(contents, files.discriminator, condition)
    return contents


def _features(files: Files, channels: int) -> tuple[int, dict[str, int]]:
    """How many features a generator reads behind its condition, and the sizes of their encoder.

    Raises:
        CheckpointError: an encoder taken for a generator; one without the other; or another number of features.
    """
    generator, encoder = files.generator.path, files.encoder
    if channels == _PHOTO:
        raise CheckpointError(
            f"{generator}: a feature encoder of pix2pixHD, which reads photos. Give the generator first, *_net_G.pth, "
            "and this file as --encoder."
        )
    if encoder is None:
        if channels not in _CONDITIONS and channels - _FEATURES in _CONDITIONS:
            raise CheckpointError(
                f"{generator}: of a pix2pixHD with instance features (--instance_feat), which come from its encoder. "
                "Give that too: --encoder *_net_E.pth."
            )
        return 0, {}
    first = encoder.tensor("model.1.weight", "pix2pixHD feature encoder")
    last = max(int(part) for part in encoder.parts("model.") if part.isdecimal())
    num_halvings, rest = divmod(last - _LAST_WITHOUT_HALVINGS, 2 * _LAYERS_PER_HALVING)
    if first.shape[1] != _PHOTO or rest or num_halvings < 1:
        raise CheckpointError(
            f"{encoder.path}: not an official pix2pixHD feature encoder, which reads photos and has no residual "
            "blocks. Encoders are called *_net_E.pth."
        )
    features = encoder.tensor(f"model.{last}.weight", "pix2pixHD feature encoder").shape[0]
    if channels - features not in _CONDITIONS:
        raise CheckpointError(
            f"{encoder.path}: an encoder of {features} features, but {generator} reads {channels} channels, which are "
            "not a label map and as many features. Are they of one run (--instance_feat)?"
        )
    return features, {"encoder_channels": first.shape[0], "encoder_halvings": num_halvings}


def _with_features(
    encoder: File, file: File, config: dict[str, Any], condition: int, num_classes: int
) -> tuple[Generator, StateDict]:
    """The generator with its encoder, and the weights of both."""
    generator = planned(Pix2PixHDFeatureGenerator, config, condition_channels=condition, num_classes=num_classes)
    weights = prefixed(renamed(generator.network, file, _GENERATOR, pix2pixhd_names), "network")
    theirs = renamed(generator.style_encoder, encoder, "pix2pixHD feature encoder", pix2pixhd_names)
    return generator, weights | prefixed(theirs, "style_encoder")


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
