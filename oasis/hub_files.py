"""Files on the Hugging Face hub, and models of its transformers: downloading, checking and loading.

Nothing is unpickled, and no code of a checkpoint is executed.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError

from oasis.errors import CheckpointError, ConfigurationError, MissingWeightsError

SETTINGS, PREPROCESSING, WEIGHTS = "config.json", "preprocessor_config.json", "*.safetensors"
_REPOSITORY = re.compile(r"(?!.*(?:--|\.\.|\.git$))\b[\w.-]{1,96}\b/\b[\w.-]{1,96}\b", re.ASCII)
_SECONDS = 10.0  # timeout of the hub's first answer; its own client has none


def find_checkpoint(
    name: str, setting: str = "segmenter.weights", needed: Sequence[str] = (SETTINGS, PREPROCESSING, WEIGHTS)
) -> Path:
    """The folder of a checkpoint, downloaded if needed.

    Args:
        name: a folder, or a name on the Hugging Face hub, such as `facebook/dinov2-large`.
        setting: that a user may set to a folder, for the errors.
        needed: patterns of the files that it must have, alternatives with `|` between them.

    Raises:
        ConfigurationError: a folder without one of these files.
        MissingWeightsError: it is neither a folder nor in the cache, and cannot be downloaded.
    """
    if Path(name).is_dir():
        lacking = _lacking(Path(name), needed)
        if lacking:
            raise ConfigurationError(
                f"{name}: has no {_named(lacking, ' and no ')}. A checkpoint is a folder with {_listed(needed)}; "
                f"pytorch_model.bin is not read, for a pickle may run any code"
            )
        return Path(name)
    if not is_repository(name):
        raise MissingWeightsError(f"{setting}={name}: no such folder, nor the name of a checkpoint on the hub")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    wanted = [*(each for pattern in needed for each in pattern.split("|")), "*.safetensors.index.json"]
    try:
        folder = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        if not _lacking(folder, needed):
            return folder
    except LocalEntryNotFoundError:
        pass
    try:
        revision = HfApi().model_info(name, timeout=_SECONDS).sha
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except Exception as error:  # the hub's own errors, or those of its HTTP client, which depends on its release
        raise _missing(name, setting, needed, reason(error)) from error
    if lacking := _lacking(folder, needed):
        of_pickles = (
            f"; if it has pytorch_model.bin, transformers makes safetensors of it, to put beside its other files: "
            f"{_network_of(folder)}.from_pretrained({name!r}).save_pretrained(FOLDER)"
        )
        lacks = f"it has no {_named(lacking, ' and no ')}{of_pickles if WEIGHTS in lacking else ''}"
        raise _missing(name, setting, needed, lacks)
    return folder


def is_repository(name: str) -> bool:
    """Whether a name has the form of `OWNER/NAME` on the hub, by the hub's own rules."""
    return _REPOSITORY.fullmatch(name) is not None


def download(repository: str, revision: str | None, file: str) -> Path:
    """A file of a repository of models on the hub: the newest of the revision, or without a network the cached one.

    Args:
        repository: `OWNER/NAME`.
        revision: a branch, a tag or a commit; None = `main`.
        file: its path there.

    Raises:
        CheckpointError: no such repository, revision or file; or it is not in the cache and cannot be downloaded.
        ConfigurationError: huggingface_hub is not installed.
    """
    hub = import_hub(f"hf://{repository}")
    where = f"hf://{repository}" + (f"@{revision}" if revision else "")
    try:
        return Path(hub.hf_hub_download(repository, file, revision=revision, etag_timeout=_SECONDS))
    except hub.errors.RemoteEntryNotFoundError as error:
        raise CheckpointError(
            f"{where}: has no file {file}, so it is no model that `oasis push` wrote. If another file of "
            f"https://huggingface.co/{repository}/tree/main is a checkpoint, name it: {where}/FILE.safetensors."
        ) from error
    except hub.errors.RevisionNotFoundError as error:
        raise CheckpointError(f"{where}: the repository has no revision {revision}.") from error
    except (hub.errors.RepositoryNotFoundError, hub.errors.HFValidationError) as error:
        raise CheckpointError(
            f"{where}: no such repository of models; if it is private, `hf auth login` or the variable HF_TOKEN gives "
            "access."
        ) from error
    except Exception as error:  # of the network: of the hub's HTTP client, which depends on its release
        raise CheckpointError(
            f"{where}: {file} is not in the cache of Hugging Face, and cannot be downloaded ({reason(error)}). Fetch "
            f"it from https://huggingface.co/{repository}/tree/main on a machine that reaches it, and give its path."
        ) from error


def import_hub(user: str) -> Any:
    """The package huggingface_hub, with its `errors`.

    Args:
        user: what needs it, for the error.

    Raises:
        ConfigurationError: it is not installed.
    """
    import_extra("huggingface_hub.errors", user, "hub")
    return import_extra("huggingface_hub", user, "hub")


def import_extra(package: str, user: str, extra: str) -> ModuleType:
    """A package that only an extra of this project installs.

    Args:
        package: its name.
        user: what needs it, for the error.
        extra: the extra's name.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigurationError(
            f"{user} needs {package.partition('.')[0]} ({error}): pip install 'panoptic-oasis[{extra}]'"
        ) from error


def reason(error: Exception) -> str:
    """The first line of an error's message, or its kind."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def settings_of(folder: Path, what: str, kinds: Sequence[str] | None = None) -> dict[str, Any]:
    """The settings of a checkpoint, read before its large weights are.

    Args:
        folder: of the checkpoint.
        what: the wanted model, for the errors, such as "DINOv2".
        kinds: values of `model_type` that are accepted; None = any.

    Raises:
        ConfigurationError: they cannot be read, or are those of another model.
    """
    file = folder / SETTINGS
    try:
        settings: dict[str, Any] = json.loads(file.read_text())
        kind = settings["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file}: not the settings of a {what} checkpoint ({error!r})") from error
    if kinds is not None and kind not in kinds:
        raise ConfigurationError(f"{file}: settings of a {kind!r} model, not of {' or '.join(map(repr, kinds))}")
    return settings


def import_transformers(user: str) -> ModuleType:
    """The package transformers.

    Args:
        user: what needs it, for the error.

    Raises:
        ConfigurationError: it is not installed.
    """
    return import_extra("transformers", user, "transformers")


def load_pretrained(model_class: Any, folder: Path, what: str, **settings: Any) -> Any:
    """A model with the weights of a checkpoint: frozen, float32, in eval mode.

    Args:
        model_class: of transformers.
        folder: of the checkpoint.
        what: the model, for the errors.
        settings: replace those of its `config.json`.

    Raises:
        ConfigurationError: the weights are corrupt, or those of another model.
    """
    try:
        model, info = model_class.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **settings,
        )
    except (OSError, RuntimeError, ValueError, SafetensorError, ImportError) as error:
        raise ConfigurationError(f"{folder}: cannot be loaded as a {what} checkpoint ({error})") from error
    # transformers initialises missing weights at random, and warns.
    missing = sorted(set(info["missing_keys"]) & {name for name, _ in model.named_parameters()})
    if missing:
        raise ConfigurationError(
            f"{folder}: its weights lack {missing[0]} and {len(missing) - 1} more; fetch model.safetensors anew"
        )
    return model.requires_grad_(False).eval()


def fingerprint(folder: Path, protocol: str, files: Sequence[str] = (SETTINGS, PREPROCESSING, WEIGHTS)) -> str:
    """A hash of a protocol and of files of a checkpoint: 64 hexadecimal digits.

    Args:
        folder: of the checkpoint.
        protocol: a name that changes when the results for the same picture do.
        files: patterns of the files that the results depend on.
    """
    digest = hashlib.sha256(protocol.encode())
    for pattern in files:
        for file in sorted(folder.glob(pattern)):
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _missing(name: str, setting: str, needed: Sequence[str], why: str) -> MissingWeightsError:
    return MissingWeightsError(
        f"{name}: no folder of that name, not in the cache of Hugging Face, and not to be downloaded ({why}). Fetch "
        f"{_listed(needed)} from https://huggingface.co/{name}/tree/main on a machine that reaches it, put them in a "
        f"folder, and give {setting}=FOLDER"
    )


def _lacking(folder: Path, needed: Sequence[str]) -> list[str]:
    return [pattern for pattern in needed if not any(file for each in pattern.split("|") for file in folder.glob(each))]


def _named(patterns: Sequence[str], between: str) -> str:
    return between.join(pattern.replace("|", " or ") for pattern in patterns)


def _listed(needed: Sequence[str]) -> str:
    *files, last = ["model.safetensors" if pattern == WEIGHTS else pattern for pattern in needed]
    return f"{_named(files, ', ')} and {_named([last], '')}" if files else _named([last], "")


def _network_of(folder: Path) -> str:
    """The class of transformers that reads all weights of a checkpoint: `AutoModel` leaves out what segments."""
    try:
        return str(json.loads((folder / SETTINGS).read_text())["architectures"][0])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return "AutoModel"
