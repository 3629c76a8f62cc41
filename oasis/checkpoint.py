"""From a checkpoint file back to a run: finding it, trusting it, rebuilding what it holds."""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate

from oasis.encodings import Encoding
from oasis.errors import CheckpointError
from oasis.labels import LabelSpace
from oasis.models import OASISGenerator
from oasis.training.checkpoints import LAST
from oasis.training.ema import CHECKPOINT_KEY

# What has to be the same for weights to mean the same.
_SHAPING = ("label_space", "encoding", "generator", "discriminator")
_ALLOWED_TARGETS = ("oasis.labels.", "oasis.encodings.", "oasis.models.")


@dataclass
class Restored:
    """What a checkpoint alone rebuilds: everything that turns a label map into a picture.

    `generator` is the averaged one where the run kept an average; it is in eval mode, on the CPU.
    """

    config: dict[str, Any]
    label_space: LabelSpace
    encoding: Encoding
    generator: OASISGenerator


def load(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint without running anything in it.

    Tensors stay on disk until they are used.

    Raises:
        CheckpointError: missing, torn, or not written by this project.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint. Finished runs keep theirs in RUN/checkpoints/{LAST}.")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path}: cannot be read, it is torn or no checkpoint ({str(error).splitlines()[0]}). Use another "
            "one from the same folder."
        ) from error
    if not isinstance(checkpoint, dict) or not {"config", "progress", "state_dict"} <= checkpoint.keys():
        raise CheckpointError(f"{path}: not a checkpoint of this project: it holds no config, progress and state_dict.")
    return checkpoint


def restore(path: str | Path) -> Restored:
    """Rebuild label space, encoding and generator from a checkpoint alone.

    Raises:
        CheckpointError: see `load`; or its configuration names classes that are not this project's.
    """
    checkpoint = load(path)
    config = checkpoint["config"]
    for name in _SHAPING:
        _require_own_targets(config[name], path)
    encoding = instantiate(config["encoding"])
    generator = instantiate(config["generator"])(condition_channels=encoding.channels)
    if CHECKPOINT_KEY in checkpoint:
        weights, prefix = checkpoint[CHECKPOINT_KEY], "module."
    else:
        weights, prefix = checkpoint["state_dict"], "generator."
    generator.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
    return Restored(config, instantiate(config["label_space"]), encoding, generator.eval())


def find_to_resume(resume: str | None, runs: str | Path, config: Mapping[str, Any]) -> Path | None:
    """The checkpoint that `resume` means, checked to fit the run that is about to go on.

    Args:
        resume: None = start anew; `last` = the newest last.ckpt below `runs`; else a path.
        runs: the folder that holds the runs of one name.
        config: the resolved configuration of the run about to start.

    Raises:
        CheckpointError: nothing there; see `load`; or the checkpoint was written by another configuration.
    """
    if resume is None:
        return None
    path = _newest(Path(runs)) if resume == "last" else Path(resume)
    written = load(path)["config"]
    differences = [
        f"{key}: {ours} now, {theirs} in the checkpoint"
        for name in _SHAPING
        for key, ours, theirs in _differences(name, config[name], written.get(name))
    ]
    if differences:
        raise CheckpointError(
            f"{path} was written by another configuration:\n  " + "\n  ".join(differences) + "\nResume it with the "
            "settings it was written with, or start anew without resume."
        )
    return path


def _newest(runs: Path) -> Path:
    found = sorted(runs.glob(f"**/checkpoints/{LAST}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise CheckpointError(f"resume=last: no run below {runs} has a checkpoints/{LAST} yet. Leave resume out.")
    return found[-1]


def _differences(name: str, ours: object, theirs: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from _differences(f"{name}.{key}", ours.get(key), theirs.get(key))
    elif ours != theirs:
        yield name, ours, theirs


def _require_own_targets(config: Mapping[str, Any], path: str | Path) -> None:
    """A checkpoint may come from anywhere: what it asks to be called has to be this project's own."""
    for key, value in config.items():
        if key == "_target_" and not str(value).startswith(_ALLOWED_TARGETS):
            raise CheckpointError(f"{path}: its configuration would call {value}, which is not of this project.")
        if isinstance(value, Mapping):
            _require_own_targets(value, path)
