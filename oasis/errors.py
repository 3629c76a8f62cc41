"""The errors a user can mend.

Each message names the file and the value at fault and says what to do; `train.py` and the command line
print them without a traceback. Anything else that is raised is a bug of this project.
"""

import errno
import pickle
import struct

_NO_ROOM = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT)

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
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return f"{error}. Is paths.output_dir a folder that can be written, with room?"
    return str(error).rsplit(f"{type(error).__name__}: ", 1)[-1].strip()
