"""From official files to a checkpoint of this project."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from oasis.checkpoint.official.names import official_names
from oasis.checkpoint.official.reading import StateDict, read_state_dict
from oasis.checkpoint.official.sizes import DATASETS, Dataset, discriminator_config, generator_config, split_input
from oasis.errors import CheckpointError, ConfigurationError
from oasis.files import put_in_place
from oasis.migration import FORMAT
from oasis.models import OASISDiscriminator, OASISGenerator
from oasis.models.sizes import require_divisible
from oasis.training.runs.durable import DurableIO

_MOST_NAMED = 4  # of the tensors that do not fit
_Network = TypeVar("_Network", bound=nn.Module)
_HYDRA = ("_target_", "_partial_", "_convert_")


@dataclass(frozen=True)
class Imported:
    """The contents of official files.

    Attributes:
        config: the written configuration, in the form of a run's.
        num_classes: N.
        parameters: of each network, by name.
    """

    config: dict[str, Any]
    num_classes: int
    parameters: dict[str, int]


def import_official(
    generator: str | Path,
    output: str | Path,
    discriminator: str | Path | None = None,
    *,
    height: int | None = None,
    width: int | None = None,
    noise_dim: int | None = None,
    force: bool = False,
) -> Imported:
    """Write a checkpoint that generates the same pictures as an official generator.

    Args:
        generator: `*_EMA.pth` or `*_G.pth` of the official OASIS.
        output: the checkpoint to write, `*.ckpt`.
        discriminator: `*_D.pth`, for training on from it.
        height: rows of the pictures it was trained on; None = as published for its number of classes.
        width: their columns.
        noise_dim: channels of noise, if they do not follow from the number of classes.
        force: overwrite a file.

    Raises:
        CheckpointError: see `read_state_dict`; or tensors missing, left over or of another shape.
        ConfigurationError: the output file exists; a size the generator does not support.
        NoRoomError: the disk is full.
    """
    source, target = Path(generator), Path(output)
    if target.suffix != ".ckpt":
        raise ConfigurationError(f"--output {target}: a checkpoint's name ends in .ckpt.")
    if target.exists() and not force:
        raise ConfigurationError(f"{target} is there already. Give another --output, or --force to overwrite it.")
    state = read_state_dict(source)
    config = generator_config(state, source)
    found = None if discriminator is None else _Discriminator.read(Path(discriminator))
    classes = None if found is None else found.num_classes
    num_classes, noise = split_input(state["fc.weight"].shape[1], noise_dim, classes, source)
    config["noise_dim"] = noise
    model = _planned(OASISGenerator, config, condition_channels=num_classes)
    dataset = DATASETS[num_classes]
    size = (height or dataset.height, width or dataset.width)
    require_divisible(torch.empty(1, 3, *size, device="meta"), model.size_divisor, "OASISGenerator")
    weights = _renamed(model, state, source, "generator")
    parameters = {"generator": _count(model)}
    run = _run_config(dataset, size, config)
    if found is not None:
        run["discriminator"] = found.config
        weights |= _renamed(found.network, found.state, found.path, "discriminator")
        parameters["discriminator"] = _count(found.network)
    progress = {"batches_seen": 0, "images_seen": 0}  # the files do not say
    _write({"config": run, "progress": progress, "state_dict": weights}, target)
    return Imported(run, num_classes, parameters)


@dataclass(frozen=True)
class _Discriminator:
    """An official discriminator: its file, its state dict, and the network it belongs to."""

    path: Path
    state: StateDict
    config: dict[str, Any]
    network: OASISDiscriminator
    num_classes: int

    @classmethod
    def read(cls, path: Path) -> "_Discriminator":
        state = read_state_dict(path)
        config = discriminator_config(state, path)
        num_classes = state["layer_up_last.weight"].shape[0] - 1  # and fake
        return cls(path, state, config, _planned(OASISDiscriminator, config, num_classes=num_classes), num_classes)


def _planned(kind: type[_Network], config: Mapping[str, Any], **sizes: int) -> _Network:
    """The network that a state dict belongs to, without memory for its weights."""
    settings = {name: value for name, value in config.items() if name not in _HYDRA}
    with torch.device("meta"):
        return kind(**sizes, **settings)


def _renamed(network: nn.Module, state: StateDict, path: Path, name: str) -> StateDict:
    """The official tensors under our names, as in a run's checkpoint."""
    planned = network.state_dict()
    theirs = official_names(planned)
    missing = [official for official in theirs.values() if official not in state]
    left_over = [official for official in state if official not in set(theirs.values())]
    unlike = [
        f"{official} is {tuple(state[official].shape)}, not {tuple(planned[ours].shape)}"
        for ours, official in theirs.items()
        if official in state and state[official].shape != planned[ours].shape
    ]
    problems = [
        f"{len(names)} {word}: {', '.join(names[:_MOST_NAMED])}{', ...' if len(names) > _MOST_NAMED else ''}"
        for names, word in ((missing, "missing"), (left_over, "left over"), (unlike, "of another shape"))
        if names
    ]
    if problems:
        raise CheckpointError(
            f"{path}: not quite an official OASIS {name}; of its tensors are\n  " + "\n  ".join(problems)
        )
    return {f"{name}.{ours}": state[official] for ours, official in theirs.items()}


def _run_config(dataset: Dataset, size: tuple[int, int], generator: dict[str, Any]) -> dict[str, Any]:
    """The part of a run's configuration that rebuilding and evaluating need."""
    classes = {"_target_": f"oasis.labels.LabelSpace.{dataset.label_space}"}
    return {
        "name": f"official_{dataset.name}",
        "format": FORMAT,
        "seed": 0,
        "label_space": classes,
        "encoding": {"_target_": "oasis.encodings.Semantic", "label_space": classes},
        "generator": generator,
        "data": {
            "_target_": "oasis.data.build_data_module",
            "dataset": {"_target_": f"oasis.data.{dataset.reader}", "_partial_": True},
            "root": None,
            "label_space": classes,
            "height": size[0],
            "width": size[1],
            "batch_size": 1,
        },
    }


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _write(checkpoint: dict[str, Any], target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.part")
    try:
        DurableIO().save_checkpoint(checkpoint, unfinished)
        put_in_place(unfinished, target, keep=0)
    except OSError as error:
        raise ConfigurationError(f"--output {target}: cannot be written ({error}).") from error
