"""From a checkpoint file back to a run: finding it, trusting it, rebuilding what it holds."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.errors import HydraException
from hydra.utils import instantiate

import oasis.encodings
import oasis.models
from oasis.encodings import Encoding
from oasis.errors import UNREADABLE, CheckpointError
from oasis.labels import LabelSpace
from oasis.models import OASISGenerator
from oasis.training.checkpoints import LAST
from oasis.training.ema import CHECKPOINT_KEY

# What has to be the same for weights to mean the same, and for the order of the data to go on.
_SHAPING = ("label_space", "encoding", "generator", "discriminator")
_SAME = (*_SHAPING, "data.batch_size")
_MEANINGLESS_ONCE_TRAINED = ("init_gain",)
# A checkpoint may come from anywhere: these, and nothing else, may it ask to be called.
_ALLOWED_TARGETS = {
    "oasis.labels.LabelSpace",
    "oasis.labels.LabelSpace.cityscapes_ids",
    "oasis.labels.LabelSpace.cityscapes_train_ids",
    *(f"oasis.encodings.{name}" for name in oasis.encodings.__all__),
    *(f"oasis.models.{name}" for name in oasis.models.__all__),
}


@dataclass
class Restored:
    """What a checkpoint alone rebuilds: everything that turns a label map into a picture.

    `generator` is the averaged one where the run kept an average; it is in eval mode, on the CPU. `batches_seen` says
    how long it was trained.
    """

    config: dict[str, Any]
    label_space: LabelSpace
    encoding: Encoding
    generator: OASISGenerator
    batches_seen: int


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
    except UNREADABLE as error:
        raise CheckpointError(
            f"{path}: cannot be read, it is torn or no checkpoint ({_first_line(error)}). Use another "
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
    for name in ("label_space", "encoding", "generator"):
        if name not in config:
            raise CheckpointError(f"{path}: its configuration has no {name}; it cannot be rebuilt from.")
        require_harmless(config[name], path)
    if CHECKPOINT_KEY in checkpoint:
        weights, prefix = checkpoint[CHECKPOINT_KEY], "module."
    else:
        weights, prefix = checkpoint["state_dict"], "generator."
    try:
        label_space = instantiate(config["label_space"])
        encoding = instantiate(config["encoding"])
        generator = instantiate(config["generator"])(condition_channels=encoding.channels)
        generator.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
    except (HydraException, RuntimeError) as error:
        raise CheckpointError(f"{path}: its weights and its configuration do not fit: {error}") from error
    return Restored(config, label_space, encoding, generator.eval(), checkpoint["progress"]["batches_seen"])


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
        for name in _SAME
        for key, ours, theirs in _differences(name, _look_up(config, name), _look_up(written, name))
        if not key.endswith(_MEANINGLESS_ONCE_TRAINED)
    ]
    if differences:
        raise CheckpointError(
            f"{path} was written by another configuration:\n  " + "\n  ".join(differences) + "\nResume it with the "
            "settings it was written with, or start anew without resume."
        )
    return path


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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


def _look_up(config: Mapping[str, Any], dotted: str) -> object:
    found: Any = config
    for name in dotted.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def require_harmless(config: object, path: str | Path, allowed: Collection[str] = _ALLOWED_TARGETS) -> None:
    """Refuse a configuration that would call, or have resolved, anything but what is allowed.

    Args:
        config: plain containers.
        path: the checkpoint's, for the error.
        allowed: what `_target_` may be; the parts of a model unless told otherwise.

    Raises:
        CheckpointError: with what it would call.
    """
    if isinstance(config, Mapping):
        target = config.get("_target_")
        if target is not None and target not in allowed:
            raise CheckpointError(f"{path}: its configuration would call {target}, which is not to be called here.")
        for value in config.values():
            require_harmless(value, path, allowed)
    elif isinstance(config, list | tuple):
        for value in config:
            require_harmless(value, path, allowed)
    elif isinstance(config, str) and "${" in config:
        raise CheckpointError(f"{path}: its configuration holds {config!r}, which is not resolved.")
