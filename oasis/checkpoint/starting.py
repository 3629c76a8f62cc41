"""Starting a run from the weights of another one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from oasis.checkpoint.finding import find_checkpoint
from oasis.checkpoint.reading import load, shape_of
from oasis.checkpoint.restoring import restored_label_space
from oasis.errors import CheckpointError
from oasis.labels import LabelSpace
from oasis.training.module import GANModule

_MOST_NAMED = 4


def start_from(path: str | Path, model: GANModule) -> list[str]:
    """Load a checkpoint's weights into the networks of a run; counters, optimizers and data order start anew.

    For fine-tuning: an imported checkpoint of the official OASIS, or one of another dataset with the same classes.

    Args:
        path: of a checkpoint; see `find_checkpoint`.
        model: as built for the run; networks that the checkpoint does not have are unchanged, and so are weights that
            an option adds, see `Generator.added_weights`.

    Returns:
        The loaded networks: `generator`, and `discriminator` if the checkpoint has one.

    Raises:
        CheckpointError: see `load`; no generator in it; its tensors do not fit the run's networks; or its classes have
            other names.
    """
    path = find_checkpoint(path)
    checkpoint = load(path)
    _require_same_names(checkpoint["config"], model.label_space, path)
    weights: dict[str, Tensor] = checkpoint["state_dict"]
    filled = []
    for name, network in (("generator", model.generator), ("discriminator", model.discriminator)):
        theirs = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
        if not theirs:
            continue
        ours = network.state_dict()
        added = tuple(getattr(network, "added_weights", ()))
        theirs = {key: value for key, value in ours.items() if key.startswith(added)} | theirs
        unlike = [
            f"{key} is {shape_of(theirs, key)} there, {shape_of(ours, key)} here"
            for key in sorted(ours.keys() | theirs.keys())
            if key not in ours or key not in theirs or ours[key].shape != theirs[key].shape
        ]
        if unlike:
            raise CheckpointError(
                f"{path}: its {name} is not that of this run, {len(unlike)} tensors differ:\n  "
                + "\n  ".join(unlike[:_MOST_NAMED])
                + "\nChoose label_space, encoding and sizes as it was trained with."
            )
        network.load_state_dict(theirs)
        filled.append(name)
    if "generator" not in filled:
        raise CheckpointError(f"{path}: holds no generator to start from.")
    return filled


def _require_same_names(config: Mapping[str, Any], ours: LabelSpace, path: str | Path) -> None:
    """Refuse weights of other classes, which might fit the networks all the same, class by class the wrong ones."""
    if "label_space" not in config:
        return
    theirs = restored_label_space(config["label_space"], path)
    if theirs.names != ours.names:
        raise CheckpointError(
            f"{path}: was trained with other classes ({ours.differences(theirs, 'in this run', 'in the checkpoint')}). "
            "Choose the label_space that it was trained with."
        )
