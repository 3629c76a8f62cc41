"""Checking and loading checkpoints of Hugging Face's transformers that segment pictures."""

from pathlib import Path
from typing import Any

from oasis.errors import ConfigurationError
from oasis.hub_files import SETTINGS, load_pretrained, settings_of
from oasis.labels import LabelSpace

_SEGMENTS = "segmenting"  # in errors: a segmenting checkpoint
# Replaced by model_type. In training, a OneFormer asks for texts that describe the label map; and its preprocessing
# would fetch the names of classes from the hub, which only making such texts needs.
_SETTINGS: dict[str, dict[str, Any]] = {"oneformer": {"is_training": False}}
_PREPROCESSING: dict[str, dict[str, Any]] = {"oneformer": {"class_info_file": None}}


def read_settings(folder: Path) -> tuple[str, tuple[str, ...]]:
    """The `model_type` of a checkpoint and the names of its classes, before its large weights are read.

    Raises:
        ConfigurationError: `config.json` is not that of a network that segments.
    """
    settings = settings_of(folder, _SEGMENTS)
    try:
        names = tuple(str(settings["id2label"][str(i)]) for i in range(len(settings["id2label"])))
    except (KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{folder / SETTINGS}: not the settings of a {_SEGMENTS} checkpoint ({error!r}): it needs id2label, the "
            "names of the classes"
        ) from error
    return str(settings["model_type"]), names


def require_cityscapes(folder: Path) -> None:
    """Raise if a checkpoint is not a Mask2Former for Cityscapes, before its large weights are read."""
    kind, names = read_settings(folder)
    file = folder / SETTINGS
    if kind != "mask2former":
        raise ConfigurationError(
            f"{file}: settings of a {kind!r} model, not of 'mask2former'; try segmenter=transformers"
        )
    space = LabelSpace.cityscapes_train_ids()
    wanted = tuple(space.names[i] for i in sorted(space.evaluated))
    if names != wanted:
        at = next((i for i, (a, b) in enumerate(zip(names, wanted, strict=False)) if a != b), min(len(names), 19))
        found, needed = (f"{x[at]!r}" if at < len(x) else "nothing" for x in (names, wanted))
        raise ConfigurationError(
            f"{file}: {len(names)} classes, of which number {at} is {found} where Cityscapes has {needed}: take a "
            f"checkpoint whose name ends in -cityscapes-panoptic, or segmenter=transformers for other classes"
        )


def load_network(folder: Path, network: Any, processor: Any, kind: str) -> tuple[Any, Any]:
    """Load a network, see `load_pretrained`, and its preprocessing.

    Args:
        folder: of the checkpoint.
        network: a class of transformers.
        processor: likewise.
        kind: its `model_type`, or what else to call it in errors.

    Raises:
        ConfigurationError: it is corrupt, or lacks weights.
    """
    try:
        prepared = processor.from_pretrained(folder, local_files_only=True, **_PREPROCESSING.get(kind, {}))
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        raise ConfigurationError(f"{folder}: cannot be loaded as a {kind} checkpoint ({error})") from error
    return load_pretrained(network, folder, kind, **_SETTINGS.get(kind, {})), prepared
