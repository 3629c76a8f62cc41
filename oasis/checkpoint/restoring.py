"""Rebuilding a model from a checkpoint alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from torch import Tensor

from oasis.checkpoint.reading import load, shape_of
from oasis.checkpoint.safe_config import require_safe
from oasis.encodings import Encoding
from oasis.errors import CheckpointError
from oasis.labels import LabelSpace
from oasis.models import Generator
from oasis.models.building import plan_network
from oasis.run_names import EMA_KEY


@dataclass
class Restored:
    """A model rebuilt from a checkpoint alone: everything that turns a label map into a picture.

    `generator` is the averaged one if the run kept an average; it is in eval mode, on the CPU. `batches_seen` counts
    its training batches.
    """

    config: dict[str, Any]
    label_space: LabelSpace
    encoding: Encoding
    generator: Generator
    batches_seen: int


def restore(path: str | Path) -> Restored:
    """Rebuild label space, encoding and generator from a checkpoint alone.

    Raises:
        CheckpointError: see `load`; or its configuration names classes of other projects, or its weights do not fit its
            networks.
    """
    checkpoint = load(path)
    config = checkpoint["config"]
    for name in ("label_space", "encoding", "generator"):
        if name not in config:
            raise CheckpointError(f"{path}: its configuration has no {name}; it cannot be rebuilt from.")
        require_safe(config[name], path)
    if EMA_KEY in checkpoint:
        weights, prefix = checkpoint[EMA_KEY], "module."
    else:
        weights, prefix = checkpoint["state_dict"], "generator."
    weights = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    try:
        label_space = instantiate(config["label_space"])
        encoding = instantiate(config["encoding"])
        offered = {"condition_channels": encoding.channels, "num_classes": label_space.num_classes}
        generator = _rebuilt(config["generator"], offered, weights)
        if not isinstance(label_space, LabelSpace) or not isinstance(encoding, Encoding):
            raise TypeError("its label space or its encoding is something else")
    except Exception as error:  # a constructor may raise anything on invalid arguments
        raise CheckpointError(f"{path}: its weights and its configuration do not fit: {error}") from error
    return Restored(config, label_space, encoding, generator.eval(), checkpoint["progress"]["batches_seen"])


def restored_label_space(config: object, path: str | Path) -> LabelSpace:
    """The label space in a checkpoint's configuration.

    Raises:
        CheckpointError: it names classes of other projects, or is invalid.
    """
    require_safe(config, path)
    try:
        label_space = instantiate(config)
    except Exception as error:  # a constructor may raise anything on invalid arguments
        raise CheckpointError(f"{path}: its label_space is invalid: {error}") from error
    if not isinstance(label_space, LabelSpace):
        raise CheckpointError(f"{path}: its label_space is something else.")
    return label_space


def _rebuilt(config: Mapping[str, Any], offered: Mapping[str, int], weights: Mapping[str, Tensor]) -> Generator:
    """The generator with its weights; built without memory first, since a configuration may ask for any size."""
    blocks = config.get("num_blocks", 0)
    if blocks > len(weights):
        raise ValueError(f"num_blocks={blocks}, but there are only {len(weights)} weights")
    planned = plan_network(instantiate(config), Generator, offered)
    ours = {name: value.shape for name, value in planned.state_dict().items()}
    for name in ours.keys() | weights.keys():
        if name not in ours or name not in weights or ours[name] != weights[name].shape:
            raise ValueError(
                f"{name} is {shape_of(weights, name)} in the file, but {shape_of(planned.state_dict(), name)}"
            )
    # Copied, since the tensors may be memory-mapped, and laid out as in a new network. Initialisation is skipped: it
    # would take longer than reading.
    copies = {
        name: torch.empty_strided(like.shape, like.stride(), dtype=like.dtype)
        for name, like in planned.state_dict().items()
    }
    for name, value in weights.items():
        copies[name].copy_(value)
    planned.load_state_dict(copies, assign=True)
    return planned
