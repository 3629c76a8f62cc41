"""Checks of configurations from untrusted checkpoints."""

from collections.abc import Collection, Mapping
from pathlib import Path

import oasis.encodings
import oasis.models
from oasis.errors import CheckpointError
from oasis.plugins import is_trusted

# Far above what any configuration needs, and still fast to check.
_MOST_VALUES = 100_000  # 256 classes with ids and colours are 3000, in each of a dozen parts
_DEEPEST = 40
_LONGEST = 100_000  # characters
_PLAIN = (str, bool, int, float, type(None))

# The only targets that an untrusted checkpoint may call.
LABEL_SPACES = frozenset(
    {
        "oasis.labels.LabelSpace",
        "oasis.labels.LabelSpace.ade20k",
        "oasis.labels.LabelSpace.built_in",
        "oasis.labels.LabelSpace.cityscapes_ids",
        "oasis.labels.LabelSpace.cityscapes_train_ids",
        "oasis.labels.LabelSpace.coco_stuff",
        "oasis.labels.LabelSpace.from_classes",
    }
)
ALLOWED_TARGETS = frozenset(
    {
        *LABEL_SPACES,
        *(f"oasis.encodings.{name}" for name in oasis.encodings.__all__),
        *(f"oasis.models.{name}" for name in oasis.models.__all__),
    }
)


def require_plain(config: object, path: str | Path) -> None:
    """Refuse a configuration that is not a tree of plain values, or is too large to walk through.

    A pickle can have a list that contains itself, or nested lists of ten references to one list each.

    Raises:
        CheckpointError: the message names the value.
    """
    level: list[object] = [config]
    seen = 0
    for _ in range(_DEEPEST):
        seen += len(level)
        if not level or seen > _MOST_VALUES:
            break
        level = [value for each in level for value in _parts(each, path)]
    if level:
        raise CheckpointError(
            f"{path}: its configuration is nested deeper than {_DEEPEST} levels or holds more than {_MOST_VALUES} "
            "values. No run of this project wrote it; do not use it."
        )


def _parts(value: object, path: str | Path) -> Collection[object]:
    """The values within a container; none within a plain value."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        parts: Collection[object] = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    elif isinstance(value, _PLAIN):
        parts = ()
    else:
        raise CheckpointError(f"{path}: its configuration holds a {type(value).__name__}, which is no plain setting.")
    size = len(value) if isinstance(value, str | dict | list | tuple) else 0
    size = value.bit_length() if isinstance(value, int) else size
    if size > _LONGEST or (isinstance(value, int) and size > 64):
        raise CheckpointError(f"{path}: its configuration holds a {type(value).__name__} of size {size}.")
    return parts


def require_safe(config: object, path: str | Path, allowed: Collection[str] = ALLOWED_TARGETS) -> None:
    """Refuse a configuration that would call or resolve anything that is not allowed.

    Hydra calls what `_target_` names, at any depth, whatever is beside it in `_args_`, `_partial_`, `_convert_` or
    `_recursive_`; and OmegaConf resolves `${...}`, which may read the environment.

    Args:
        config: plain containers.
        path: the checkpoint's, for the error.
        allowed: allowed values of `_target_`; the parts of a model by default.

    Raises:
        CheckpointError: the message names the target; or see `require_plain`.
    """
    require_plain(config, path)
    _walk(config, path, allowed)


def _walk(config: object, path: str | Path, allowed: Collection[str]) -> None:
    if isinstance(config, Mapping):
        target = config.get("_target_")
        if target is not None and not (isinstance(target, str) and (target in allowed or is_trusted(target))):
            raise CheckpointError(
                f"{path}: its configuration would call {target}, which is not to be called here. If that is a class of "
                f"a package that you installed and trust, add --trust {str(target).split('.')[0]}."
            )
        for key, value in config.items():
            _walk(key, path, allowed)
            _walk(value, path, allowed)
    elif isinstance(config, list | tuple):
        for value in config:
            _walk(value, path, allowed)
    elif isinstance(config, str) and "${" in config:
        raise CheckpointError(f"{path}: its configuration holds {config!r}, which is not resolved.")
