"""Reading a checkpoint file safely: verified, and without executing code from it."""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oasis.checkpoint.exported import SUFFIX, read_exported
from oasis.checkpoint.safe_config import require_plain
from oasis.errors import UNREADABLE, CheckpointError
from oasis.migration import migrated, rename_states
from oasis.run_names import EMA_KEY, LAST

_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, OverflowError, MemoryError, OSError, struct.error)


def load(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint, or an exported `.safetensors` file, without executing code from it.

    Every byte is compared with the checksums in the file. Tensors stay on disk until they are used. The configuration
    is migrated to the current format.

    Raises:
        CheckpointError: missing, corrupt, not written by this project, or by a later version of it.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint. Finished runs keep theirs in RUN/checkpoints/{LAST}.")
    if path.suffix == SUFFIX:
        exported = read_exported(path)
        _require_kinds(exported, path)
        exported["config"] = migrated(exported["config"], path)
        return exported
    require_intact(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, MemoryError, OverflowError, *UNREADABLE) as error:
        raise _corrupt(path, _first_line(error)) from error
    if not isinstance(checkpoint, dict) or not {"config", "progress", "state_dict"} <= checkpoint.keys():
        raise CheckpointError(f"{path}: not a checkpoint of this project: it holds no config, progress and state_dict.")
    _require_kinds(checkpoint, path)
    checkpoint["config"] = migrated(checkpoint["config"], path)
    return rename_states(checkpoint)


def require_intact(path: Path) -> None:
    """Verify all checksums, which `torch.load` does not do.

    Compressed entries are refused unread: torch does not compress, and a small file could fill the memory.

    Raises:
        CheckpointError: corrupt or packed.
    """
    try:
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
            packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
            if packed or sum(entry.file_size for entry in entries) > path.stat().st_size:
                raise CheckpointError(f"{path}: not a checkpoint of this project: it is a packed archive.")
            damaged = file.testzip()
    except CheckpointError:
        raise
    except (*_BROKEN_ZIP, *UNREADABLE) as error:
        raise _corrupt(path, _first_line(error)) from error
    if damaged is not None:
        raise _corrupt(path, f"its part {damaged} is not what was written")


def _require_kinds(checkpoint: dict[str, Any], path: Path) -> None:
    """Refuse parts of other types than a run writes, before anything is built from them."""
    config, progress = checkpoint["config"], checkpoint["progress"]
    require_plain(config, path)
    if not isinstance(config, dict) or not counts(progress, "batches_seen", "images_seen"):
        raise CheckpointError(f"{path}: not a checkpoint of this project: its config or its progress is invalid.")
    size = path.stat().st_size
    for name in ("state_dict", EMA_KEY):
        weights = checkpoint.get(name, {})
        if not isinstance(weights, dict) or not all(_is_stored(key, value) for key, value in weights.items()):
            raise CheckpointError(f"{path}: not a checkpoint of this project: its {name} holds more than tensors.")
        claimed = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
        if claimed > size:
            raise CheckpointError(f"{path}: its {name} claims {claimed} bytes, the file has {size}.")


def counts(part: object, *names: str) -> bool:
    """Whether a part of a checkpoint has counts of these names."""
    return isinstance(part, dict) and all(isinstance(part.get(name), int) and part[name] >= 0 for name in names)


def shape_of(weights: Mapping[str, Tensor], name: str) -> str:
    """The shape of a tensor in words; `missing` if there is none of that name."""
    return "x".join(map(str, weights[name].shape)) or "one number" if name in weights else "missing"


def _is_stored(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    )


def _corrupt(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: cannot be read, it is corrupt or no checkpoint ({reason}). Use another one from the same folder."
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
