"""A generator as one `.safetensors` file: its weights, and in its header everything needed to rebuild it; no pickle.

The header's metadata have one JSON text under `panoptic_oasis`:

- `version`: of this layout, 1;
- `config`: `name`, `label_space`, `encoding`, `generator` and `data` as in a run's configuration;
- `classes`: the names of the classes by their index, for readers without this project;
- `progress`: how long it was trained;
- `sha256`: of all tensors' bytes, in the order of their names.

Tensors may be float16; a generator that is rebuilt from them is float32 again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from oasis.errors import UNREADABLE, CheckpointError, ConfigurationError

SUFFIX = ".safetensors"
METADATA_KEY = "panoptic_oasis"
VERSION = 1
_PREFIX = "generator."
_LONGEST = 4_000_000  # characters of JSON


def write_exported(path: Path, weights: Mapping[str, Tensor], facts: Mapping[str, Any], half: bool = False) -> None:
    """Write a generator.

    Args:
        path: ends in `.safetensors`.
        weights: the generator's state dict.
        facts: `config`, `classes` and `progress`, plain containers.
        half: floating-point tensors become float16, of 11 instead of 24 significant bits; integers stay.

    Raises:
        ConfigurationError: a weight is too large for float16.
    """
    tensors = {f"{_PREFIX}{name}": value.detach().cpu().contiguous() for name, value in weights.items()}
    if half:
        tensors = {name: _halved(name, value) for name, value in tensors.items()}
    text = json.dumps({"version": VERSION, **facts, "sha256": _checksum(tensors)})
    save_file(tensors, path, metadata={METADATA_KEY: text, "format": "pt"})


def read_exported(path: Path) -> dict[str, Any]:
    """Read a file of `write_exported` and verify its checksum.

    Returns:
        A checkpoint as from `load`: `config`, `progress` and `state_dict`, only checked for presence.

    Raises:
        CheckpointError: corrupt, not written by this project, or by a later version of it.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            text = (file.metadata() or {}).get(METADATA_KEY)
            facts = None if text is None or len(text) > _LONGEST else json.loads(text)
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names} if isinstance(facts, dict) else {}
            checksum = _checksum(tensors)
    except (SafetensorError, OSError, MemoryError, OverflowError, *UNREADABLE) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path}: cannot be read, it is corrupt or no safetensors file ({reason}).") from error
    if not isinstance(facts, dict) or not {"config", "progress", "sha256"} <= facts.keys():
        raise CheckpointError(
            f"{path}: not exported by this project: its header has no {METADATA_KEY} with config, progress and sha256. "
            "Write one with `oasis export CHECKPOINT --output FILE.safetensors`."
        )
    if facts.get("version") != VERSION:
        raise CheckpointError(
            f"{path}: of version {facts.get('version')!r}, this oasis reads version {VERSION}. Use the one it was "
            "written with, or export anew."
        )
    if facts["sha256"] != checksum:
        raise CheckpointError(f"{path}: damaged: its tensors are not what was written. Export or copy it again.")
    return {"config": facts["config"], "progress": facts["progress"], "state_dict": tensors}


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _halved(name: str, value: Tensor) -> Tensor:
    if not value.is_floating_point():
        return value
    halved = value.half()
    if halved.isinf().any() and value.isfinite().all():
        raise ConfigurationError(
            f"{name.removeprefix(_PREFIX)} has values up to {float(value.abs().max()):.3g}, but float16 ends at 65504. "
            "Export without --half."
        )
    return halved
