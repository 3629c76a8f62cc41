"""Errors that the user can fix.

Each message names the file or the value and says what to do; `train.py` and the command line print them without a
traceback. Any other exception is a bug of this project.
"""

import errno
import os
import pickle
import struct
from typing import Self

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# What torch.load raises for a truncated file, or one of another format.
UNREADABLE = (
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    struct.error,
    pickle.UnpicklingError,
)


class OasisError(Exception):
    """Base of all errors that the user can fix."""


class ConfigurationError(OasisError, ValueError):
    """Settings that cannot work together or with this machine."""


class DatasetError(OasisError, ValueError):
    """An invalid dataset, or an invalid file of it."""


class MissingInstancesError(ConfigurationError):
    """A label map without the instances that an encoding needs.

    Args:
        what: the map, and what it lacks.
        advice: how to give the instances, which commands and the app say in their own words.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what} {advice}".strip())
        self.what = what
        self.advice = advice

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Both arguments, for errors that travel between processes."""
        return type(self), (self.what, self.advice)


class CheckpointError(OasisError, ValueError):
    """A checkpoint that is missing, corrupt, or of another configuration."""


class NothingToTrainError(ConfigurationError):
    """A checkpoint to resume from whose training is complete."""


class NoRoomError(OasisError):
    """A checkpoint that could not be written because the disk is full; earlier ones are intact."""


class LowMemoryError(OasisError, MemoryError):
    """A run that needs more memory than available."""


class LostProcessError(OasisError, RuntimeError):
    """One of several processes that train together died."""


class MissingWeightsError(ConfigurationError):
    """Weights of a metric network that were neither given nor found."""


class MetricError(OasisError, ValueError):
    """Something that cannot be measured: no images, or NaN in one."""


class NonFiniteLossError(OasisError, ArithmeticError):
    """A loss term became NaN or infinite."""


def message(error: BaseException) -> str:
    """An error's own message, without those of the exceptions that wrap it, unless these are of this project too.

    Hydra wraps what a constructor raises, and a loader's worker process prepends its traceback. Hydra's own errors
    have part of their message in their cause.
    """
    cause = error.__cause__
    if isinstance(cause, OasisError) and not isinstance(error, OasisError):
        error = cause
    elif cause is not None and not isinstance(error, OasisError):
        return f"{error}\n{cause}"
    if isinstance(error, OSError) and error.errno in (*_NOT_WRITABLE, *_NO_ROOM):
        return f"{error}. Is paths.output_dir a folder that can be written, with room?"
    return str(error).rsplit(f"{type(error).__name__}: ", 1)[-1].strip()


def no_room(error: BaseException) -> OSError | None:
    """The full-disk error that an error is or was caused by; None if there is none."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in _NO_ROOM:
            return link
        link = link.__cause__ or link.__context__
    return None


def exit_code(error: BaseException) -> int:
    """The exit status for an error: 74 (EX_IOERR) if a disk is full, else 1."""
    return os.EX_IOERR if no_room(error) else 1
