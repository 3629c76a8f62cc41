"""Networks that others have trained: reading and fetching their weights."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
from torch import Tensor

from oasis.errors import UNREADABLE, ConfigurationError

_awaiting = ContextVar("_awaiting", default=False)


@contextmanager
def weights_in_checkpoint() -> Iterator[None]:
    """Within it, networks whose weights a checkpoint holds are built without reading or fetching these.

    A run can then be resumed on a machine that has only its checkpoint. The state dict must be loaded afterwards.
    """
    token = _awaiting.set(True)
    try:
        yield
    finally:
        _awaiting.reset(token)


def are_weights_in_checkpoint() -> bool:
    """Whether this runs within `weights_in_checkpoint`."""
    return _awaiting.get()


def cached_weights(url: str) -> Path:
    """Where torch keeps what it fetched from a URL, whether it is there or not."""
    return Path(torch.hub.get_dir(), "checkpoints", Path(url).name)


def cannot_fetch(what: str, url: str, setting: str, error: BaseException) -> ConfigurationError:
    """The error to raise where a library can neither find nor download weights.

    Args:
        what: the network, such as "the VGG-19 of the perceptual loss".
        url: of the file.
        setting: that a user may set to the file's path.
        error: the library's.
    """
    return ConfigurationError(
        f"{what} can be neither found in {torch.hub.get_dir()}/checkpoints nor downloaded ({error}). Fetch {url} on a "
        f"machine that reaches it, and put it there or give its path: {setting}=PATH"
    )


def read_state_dict(path: str | os.PathLike[str], what: str, remedy: str) -> dict[str, Tensor]:
    """The tensors of a file saved by `torch.save`, on the CPU, without executing code from it.

    Args:
        path: of the file.
        what: whose weights, for the errors.
        remedy: what to do if there is no such file.

    Raises:
        ConfigurationError: no such file, or it holds anything else.
    """
    path = Path(path).expanduser()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: no such file of {what} weights. {remedy}") from error
    except (OSError, *UNREADABLE) as error:
        reason = str(error).split("\n", 1)[0]
        raise ConfigurationError(f"{path}: not a state dict saved by torch.save ({reason})") from error
    return require_state_dict(state, path)


def require_state_dict(state: object, path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """What a file holds, if that is tensors by name.

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(state, dict):
        raise ConfigurationError(f"{os.fspath(path)}: holds a {type(state).__name__}, not a state dict")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise ConfigurationError(
                f"{os.fspath(path)}: holds a {type(value).__name__} at {key!r}, not a state dict of tensors"
            )
    return dict(state)


def require_same_tensors(
    wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], source: str, architecture: str
) -> None:
    """Refuse weights of another network.

    Args:
        wanted: the state dict of the network to fill.
        state: that of the file.
        source: the file, for the error.
        architecture: the network, for the error.

    Raises:
        ConfigurationError: the message names the first tensor that does not fit.
    """
    for name in [*wanted, *(name for name in state if name not in wanted)]:
        ours, theirs = (tuple(each[name].shape) if name in each else None for each in (wanted, state))
        if ours != theirs:
            raise ConfigurationError(
                f"{source}: not the weights of {architecture}: {name} is {theirs or 'missing'} there, and should be "
                f"{ours or 'missing'}."
            )
