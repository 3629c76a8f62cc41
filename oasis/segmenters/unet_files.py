"""The files of the project's own segmenter."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from oasis.errors import UNREADABLE, CheckpointError
from oasis.labels import LabelSpace

KIND = "panoptic-oasis unet segmenter 2"  # type and version of a saved file
REMEDY = "Train one with `oasis train-segmenter`, or name another file"
_FORMER = "panoptic-oasis unet judge 2"  # the same format, from when segmenters were called judges
_PARTS = {"kind", "label_space", "network", "grouping", "weights", "facts"}


def read_parts(path: Path) -> dict[str, Any]:
    """The parts of a file of `UNetSegmenter.save`, without executing code from it.

    Raises:
        CheckpointError: the file is missing, corrupt, or not a segmenter.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such segmenter. {REMEDY}.")
    try:
        parts = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, *UNREADABLE) as error:
        raise CheckpointError(
            f"{path}: cannot be read, it is corrupt or no segmenter ({reason(error)}). {REMEDY}."
        ) from error
    if not isinstance(parts, dict) or parts.get("kind") not in (KIND, _FORMER) or _PARTS - parts.keys():
        raise CheckpointError(f"{path}: not a segmenter that this version of the project wrote. {REMEDY}.")
    return parts


def reason(error: Exception) -> str:
    """The first line of an error, for the message of another one."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(":")


def plain(label_space: LabelSpace) -> dict[str, Any]:
    """The fields of a label space as containers that are read without executing code."""
    return {n: sorted(v) if isinstance(v, frozenset) else v for n, v in asdict(label_space).items()}


def to_label_space(plain: Mapping[str, Any]) -> LabelSpace:
    """The inverse of `plain`."""
    sets = {name: frozenset(plain[name]) for name in ("things", "evaluated")}
    return LabelSpace(**{**plain, **sets})
