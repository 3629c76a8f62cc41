"""Atomic writing of files, and the cache folder. Does not import torch."""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """`$PANOPTIC_OASIS_CACHE`, else `$XDG_CACHE_HOME/panoptic-oasis`, else `~/.cache/panoptic-oasis`.

    It contains synthetic streets, features of real photos, trained segmenters, fakes to train segmenters on, and
    compiled networks.
    """
    own = os.environ.get("PANOPTIC_OASIS_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache").absolute() / "panoptic-oasis"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which is renamed to `path` at the end.

    The file is synced to disk before it is renamed. If the block raises, `path` is unchanged and the temporary file is
    deleted. If several processes write the same file at the same time, the last one wins.

    Args:
        path: the file; its folder is created. The temporary path has the same suffix.

    Raises:
        OSError: a full disk, or no permission.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem[:32]}.{uuid.uuid4().hex}.part{path.suffix}")
    try:
        yield unfinished
        sync(unfinished)
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink()


@contextmanager
def locked(path: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Locks out other processes. The kernel releases the lock when its process ends.

    Args:
        path: the lock file; its folder is created.
        waiting: called if another process holds the lock.

    Raises:
        OSError: no permission.
    """
    import fcntl  # not available on Windows, which can still read a dataset's files

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file by `replacing`.

    Args:
        path: the file; its folder is created.
        content: plain containers without NaN.

    Raises:
        ValueError: a number is not finite.
        OSError: see `replacing`.
    """
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def put_in_place(finished: Path, target: Path, keep: int) -> None:
    """Rename a finished file, and number older files of the same name.

    There is a valid file at any time: `target`, or, between two renames, the one with number 1.

    Args:
        finished: synced to disk.
        target: its new name, such as `last.ckpt`.
        keep: number of older files to keep, as `last-1.ckpt` (the newest of them), `last-2.ckpt`, ...
    """
    aged = [target, *(older(target, age) for age in range(1, keep + 1))]
    for newer, elder in reversed(list(pairwise(aged))):
        if newer.exists():
            newer.replace(elder)
    finished.replace(target)
    with suppress(OSError):  # not every file system can sync a folder
        sync(target.parent)


def older(path: Path, age: int) -> Path:
    """The name of the version of `path` from `age` writes ago."""
    return path.with_name(f"{path.stem}-{age}{path.suffix}")


def sync(path: Path) -> None:
    """Sync a file or a folder to disk.

    Raises:
        OSError: no such path, or its file system does not support it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
