"""Finding, downloading, checking and loading checkpoints of Hugging Face's transformers."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import torch

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.labels import LabelSpace

_SETTINGS, _PREPROCESSING, _WEIGHTS = "config.json", "preprocessor_config.json", "*.safetensors"
_SECONDS = 10.0  # timeout of the hub's first answer; its own client has none


def find_checkpoint(name: str) -> Path:
    """The folder of a checkpoint, downloaded if needed."""
    if Path(name).is_dir():
        lacking = _lacking(Path(name))
        if lacking:
            raise ConfigurationError(
                f"{name}: has no {' and no '.join(lacking)}. A checkpoint is a folder with {_SETTINGS}, "
                f"{_PREPROCESSING} and model.safetensors; pytorch_model.bin is not read, for a pickle may run any code"
            )
        return Path(name)
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        raise MissingWeightsError(f"segmenter.weights={name}: no such folder, nor the name of a checkpoint on the hub")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    wanted = [_SETTINGS, _PREPROCESSING, _WEIGHTS, "*.safetensors.index.json"]
    try:
        folder = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        if not _lacking(folder):
            return folder
    except LocalEntryNotFoundError:
        pass
    try:
        revision = HfApi().model_info(name, timeout=_SECONDS).sha
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except Exception as error:  # the hub's own errors, or those of its HTTP client, which depends on its release
        raise _missing(name, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    if lacking := _lacking(folder):
        raise _missing(name, f"it has no {' and no '.join(lacking)}")
    return folder


def _missing(name: str, reason: str) -> MissingWeightsError:
    return MissingWeightsError(
        f"{name}: no folder of that name, not in the cache of Hugging Face, and not to be downloaded ({reason}). Fetch "
        f"{_SETTINGS}, {_PREPROCESSING} and model.safetensors from https://huggingface.co/{name}/tree/main on a "
        f"machine that reaches it, put them in a folder, and give segmenter.weights=FOLDER"
    )


def _lacking(folder: Path) -> list[str]:
    return [pattern for pattern in (_SETTINGS, _PREPROCESSING, _WEIGHTS) if not any(folder.glob(pattern))]


def read_settings(folder: Path) -> tuple[str, tuple[str, ...]]:
    """The `model_type` of a checkpoint and the names of its classes, before its large weights are read.

    Raises:
        ConfigurationError: `config.json` is not that of a network that segments.
    """
    file = folder / _SETTINGS
    try:
        settings = json.loads(file.read_text())
        names = [str(settings["id2label"][str(i)]) for i in range(len(settings["id2label"]))]
        return str(settings["model_type"]), tuple(names)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{file}: not the settings of a checkpoint that segments: {error!r}; it needs model_type and id2label"
        ) from error


def require_cityscapes(folder: Path) -> None:
    """Raise if a checkpoint is not a Mask2Former for Cityscapes, before its large weights are read."""
    kind, names = read_settings(folder)
    file = folder / _SETTINGS
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


def fingerprint(folder: Path, protocol: str) -> str:
    """A hash of weights, settings and preprocessing: 64 hexadecimal digits.

    Args:
        folder: of the checkpoint.
        protocol: changes when a prediction for the same picture changes.
    """
    digest = hashlib.sha256(protocol.encode())
    for pattern in (_SETTINGS, _PREPROCESSING, _WEIGHTS):
        for file in sorted(folder.glob(pattern)):
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def load_network(folder: Path, network: Any, processor: Any, kind: str) -> tuple[Any, Any]:
    """Load a network in float32, and its preprocessing.

    Nothing is unpickled, no code of the checkpoint is executed, and nothing is fetched.

    Args:
        folder: of the checkpoint.
        network: a class of transformers.
        processor: likewise.
        kind: what a checkpoint is expected to be, for errors.

    Raises:
        ConfigurationError: it is corrupt, or lacks weights, which transformers would initialise at random.
    """
    from safetensors import SafetensorError

    try:
        prepared = processor.from_pretrained(folder, local_files_only=True)
        model, info = network.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, RuntimeError, ValueError, SafetensorError, ImportError) as error:
        raise ConfigurationError(f"{folder}: cannot be loaded as a {kind} checkpoint ({error})") from error
    missing = sorted(set(info["missing_keys"]) & {name for name, _ in model.named_parameters()})
    if missing:
        raise ConfigurationError(
            f"{folder}: its weights lack {missing[0]} and {len(missing) - 1} more; fetch model.safetensors anew"
        )
    return model, prepared


def needs_transformers(what: str, error: ImportError) -> ConfigurationError:
    """The error to raise if transformers is not installed."""
    return ConfigurationError(f"{what} needs transformers ({error}): pip install 'panoptic-oasis[mask2former]'")
