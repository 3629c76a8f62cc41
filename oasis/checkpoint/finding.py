"""Finding the checkpoint of a path, or of a name on the Hugging Face hub."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from oasis.checkpoint.exported import SUFFIX
from oasis.errors import CheckpointError
from oasis.hub_files import download
from oasis.run_names import CHECKPOINTS, LAST

HUB_FILE = f"model{SUFFIX}"
"""What `oasis push` calls the file of a repository."""

SUFFIXES = (".ckpt", SUFFIX)
"""How checkpoint files end."""

_IN_RUN = Path(CHECKPOINTS) / LAST
# A `Path` has one of the two slashes left.
_HUB = re.compile(r"hf:/{1,2}(?P<repository>[^/@]+/[^/@]+)(?:@(?P<revision>[^/@]+))?(?:/(?P<file>[^@]+))?")


class _OfHub(NamedTuple):
    repository: str
    revision: str | None
    file: str


def find_checkpoint(path: str | Path) -> Path:
    """The checkpoint file of a path, or of a name on the Hugging Face hub.

    Args:
        path: a checkpoint; a run folder, whose `checkpoints/last.ckpt` is meant; a folder with runs at any depth below
            it, such as `runs/demo` or that of a sweep, whose newest run is meant; or `hf://OWNER/NAME`,
            `hf://OWNER/NAME@REVISION`, `hf://OWNER/NAME/FILE.safetensors`, downloaded unless it is in the cache.

    Raises:
        CheckpointError: a folder without any; or see `oasis.hub_files.download`.
        ConfigurationError: a name on the hub, but huggingface_hub is not installed.
    """
    if is_on_hub(path):
        return download(*_parsed(path))
    path = Path(path)
    if not path.is_dir():
        return path
    found = newest_below(path)
    if found is None:
        raise CheckpointError(
            f"{path}: no run with a {_IN_RUN} is there or below. Give a checkpoint or the folder of a run; `make demo` "
            "trains a small one into runs/demo."
        )
    return found


def newest_below(folder: Path) -> Path | None:
    """The checkpoint of a run folder, or of the newest run below a folder; None if there is none."""
    for file in (folder / _IN_RUN, folder / LAST):
        if file.is_file():
            return file
    below = [file for file in folder.glob(f"**/{_IN_RUN}") if file.is_file()]
    return max(below, key=lambda file: file.stat().st_mtime, default=None)


def is_on_hub(path: str | Path) -> bool:
    """Whether this is `hf://...`, on the Hugging Face hub."""
    return os.fspath(path).startswith("hf:/")


def _parsed(path: str | Path) -> _OfHub:
    found = _HUB.fullmatch(os.fspath(path))
    file = HUB_FILE if found is None else found["file"] or HUB_FILE
    if found is None or not file.endswith(SUFFIXES):
        raise CheckpointError(
            f"{path}: no checkpoint on the hub is named like this. Give hf://OWNER/NAME, hf://OWNER/NAME@REVISION, or "
            f"a file of it that ends in {' or '.join(SUFFIXES)}: hf://OWNER/NAME/FILE{SUFFIX}."
        )
    return _OfHub(found["repository"], found["revision"], file)
