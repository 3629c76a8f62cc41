"""Files that are complete or absent, whenever the process dies; and where the cache lies. Loads no torch."""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """`$PANOPTIC_OASIS_CACHE`, else `$XDG_CACHE_HOME/panoptic-oasis`, else `~/.cache/panoptic-oasis`.

    It holds synthetic streets, features of real photos, and trained segmenters.
    """
    own = os.environ.get("PANOPTIC_OASIS_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache").absolute() / "panoptic-oasis"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what was written there takes the name `path` at the end.

    The file has reached the disk before it gets its name. If the block raises, `path` is as it was and the temporary
    file is gone. Processes that write the same file at the same time do not disturb each other: the last one wins.

    Args:
        path: the file; its folder is made. The temporary path has the same suffix.

    Raises:
        OSError: no room, or no right to write.
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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file by `replacing`.

    Args:
        path: the file; its folder is made.
        content: plain containers without NaN.

    Raises:
        ValueError: a number is not finite.
        OSError: see `replacing`.
    """
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def put_in_place(finished: Path, target: Path, keep: int) -> None:
    """Rename a finished file, and number older files of that name.

    At any moment there is a good file: `target`, or, between two renames, the one with number 1.

    Args:
        finished: has reached the disk.
        target: its name from now on, such as `last.ckpt`.
        keep: how many older ones stay, as `last-1.ckpt` (the newest of them), `last-2.ckpt`, ...
    """
    aged = [target, *(older(target, age) for age in range(1, keep + 1))]
    for newer, elder in reversed(list(pairwise(aged))):
        if newer.exists():
            newer.replace(elder)
    finished.replace(target)
    with suppress(OSError):  # not every file system can sync a folder
        sync(target.parent)


def older(path: Path, age: int) -> Path:
    """The name of the file that `path` was `age` writes ago."""
    return path.with_name(f"{path.stem}-{age}{path.suffix}")


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a loss of power.

    Raises:
        OSError: no such path, or its file system cannot do it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
