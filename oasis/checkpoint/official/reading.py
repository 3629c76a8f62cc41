"""Reading an official state dict safely, without executing code from it."""

import zipfile
from pathlib import Path

import torch
from torch import Tensor

from oasis.checkpoint.reading import require_intact
from oasis.errors import UNREADABLE, CheckpointError

StateDict = dict[str, Tensor]

_WRAPPER = "module."  # DataParallel's prefix of every name
_WHERE = (
    "The official files are called *_EMA.pth, *_G.pth and *_D.pth (https://github.com/boschresearch/OASIS links them), "
    "or *_net_G.pth, *_net_D.pth and *_net_E.pth (https://github.com/NVlabs/SPADE, https://github.com/NVIDIA/pix2pixHD)."
)


def read_state_dict(path: Path) -> StateDict:
    """Read a state dict, as `torch.save` writes it today or wrote it before torch 1.6.

    Args:
        path: a `.pth` file.

    Returns:
        Tensors by name, on the CPU.

    Raises:
        CheckpointError: missing, truncated, a packed archive, a checkpoint of this project, or no dict of tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file. {_WHERE}")
    if zipfile.is_zipfile(path):
        _require_pth(path)
        require_intact(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError, OverflowError, *UNREADABLE) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{path}: cannot be read, it is corrupt or no state dict ({reason}). Download it again. {_WHERE}"
        ) from error
    if isinstance(found, dict) and {"config", "progress", "state_dict"} <= found.keys():
        raise CheckpointError(f"{path}: this is a checkpoint of this project already; use it as it is.")
    return _plain(found, path)


def _require_pth(path: Path) -> None:
    """Refuse the archive that official files are published in: it contains several of them."""
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if name.endswith(".pth")]
    if inside:
        raise CheckpointError(f"{path}: an archive. Unpack it, and give a file from it: {', '.join(inside[:6])}.")


def _plain(found: object, path: Path) -> StateDict:
    if not isinstance(found, dict) or not found:
        raise CheckpointError(f"{path}: holds a {type(found).__name__}, not the tensors of a network. {_WHERE}")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or value.layout != torch.strided:
            raise CheckpointError(
                f"{path}: not a state dict: its {name!r} is a {type(value).__name__}, not a plain tensor. {_WHERE}"
            )
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in found.values())
    if claimed > path.stat().st_size:
        raise CheckpointError(f"{path}: its tensors claim {claimed} bytes, the file has {path.stat().st_size}.")
    wrapped = all(name.startswith(_WRAPPER) for name in found)
    return {name.removeprefix(_WRAPPER) if wrapped else name: value for name, value in found.items()}
