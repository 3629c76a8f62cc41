"""The errors a user can mend.

Each message names the file and the value at fault and says what to do; `train.py` and the command line
print them without a traceback. Anything else that is raised is a bug of this project.
"""

import errno
import os
import pickle
import struct

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# What torch.load raises at a file that is torn, or none of its own: its reader stumbles wherever it happens to stand.
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
    """Base of all errors whose remedy lies with the user."""


class ConfigurationError(OasisError, ValueError):
    """Settings that cannot work together or with this machine."""


class DatasetError(OasisError, ValueError):
    """A dataset, or one file of it, that is not what it should be."""


class CheckpointError(OasisError, ValueError):
    """A checkpoint that is missing, torn, or of another configuration."""


class NothingToTrainError(ConfigurationError):
    """A checkpoint to go on from that is trained to the end already."""


class NoRoomError(OasisError):
    """A checkpoint that could not be written for want of room; the ones before are as they were."""


class LowMemoryError(OasisError, MemoryError):
    """A run that needs more memory than there is."""


class LostProcessError(OasisError, RuntimeError):
    """One of several processes that train together is gone."""


class MissingWeightsError(ConfigurationError):
    """Weights of a measuring network that nobody named and that are nowhere to be found."""


class MetricError(OasisError, ValueError):
    """Something that cannot be measured: no images, or NaN in one."""


class NonFiniteLossError(OasisError, ArithmeticError):
    """A loss term turned NaN or infinite."""


def message(error: BaseException) -> str:
    """What to tell the user of an error: its own words, not those of whatever wrapped it on its way.

    Hydra wraps what a constructor raises, and a loader's worker process puts its traceback in front. Hydra's own
    errors say half of what they mean in their cause.
    """
    cause = error.__cause__
    if isinstance(cause, OasisError):
        error = cause
    elif cause is not None and not isinstance(error, OasisError):
        return f"{error}\n{cause}"
    if isinstance(error, OSError) and error.errno in (*_NOT_WRITABLE, *_NO_ROOM):
        return f"{error}. Is paths.output_dir a folder that can be written, with room?"
    return str(error).rsplit(f"{type(error).__name__}: ", 1)[-1].strip()


def no_room(error: BaseException) -> OSError | None:
    """The want of room on a disk that an error is, or comes from; None if there is none in its history."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in _NO_ROOM:
            return link
        link = link.__cause__ or link.__context__
    return None


def exit_code(error: BaseException) -> int:
    """What a process that ends by an error returns: 74 (EX_IOERR) if a disk is full, else 1."""
    return os.EX_IOERR if no_room(error) else 1
