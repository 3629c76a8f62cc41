"""A cache of measurements of real photos, which do not change between runs."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from oasis.errors import UNREADABLE
from oasis.files import cache_folder, replacing


def stored(key: Mapping[str, object], compute: Callable[[], Tensor]) -> Tensor:
    """The result of `compute`, cached.

    A corrupt file is computed again; if the cache cannot be written, the result is not cached.

    Args:
        key: everything that the result depends on, JSON-serialisable.
        compute: computes the tensor; called only if it is not in the cache.

    Returns:
        The tensor, on the CPU.
    """
    kept = found(key)
    if kept is None:
        kept = compute().cpu()
        path, text = _place(key)
        _write(path, text, kept)
    return kept


def found(key: Mapping[str, object]) -> Tensor | None:
    """The tensor that is cached under this key, on the CPU; None if there is none, or its file is corrupt."""
    path, text = _place(key)
    return _read(path, text)


def _place(key: Mapping[str, object]) -> tuple[Path, str]:
    """The file of a key, and the key as text."""
    text = json.dumps(key, sort_keys=True)
    return cache_folder() / "measured" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.pt", text


def _read(path: Path, key: str) -> Tensor | None:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, *UNREADABLE):
        return None
    if not isinstance(content, dict) or content.get("key") != key or not isinstance(content.get("tensor"), Tensor):
        return None
    tensor: Tensor = content["tensor"]
    return tensor


def _write(path: Path, key: str, tensor: Tensor) -> None:
    with suppress(OSError), replacing(path) as unfinished:
        torch.save({"key": key, "tensor": tensor}, unfinished)
