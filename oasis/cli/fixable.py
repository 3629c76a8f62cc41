"""Errors that the user of a command can fix, and their text."""

import os

from oasis.errors import OasisError, message

_TRACEBACKS = "HYDRA_FULL_ERROR"  # as for `oasis train`


def text_of(error: Exception, has_settings: bool) -> str | None:
    """The text of an error that the user can fix; None if it may be a bug, whose traceback is needed.

    Args:
        error: of any kind. Hydra wraps what a constructor raises.
        has_settings: whether there are settings on the command line. A constructor that refuses a value, by its type or
            because it does not know its name, then refuses one of them.
    """
    if isinstance(error, OasisError) or isinstance(error.__cause__, OasisError):
        return message(error)
    if isinstance(error, OSError):
        return str(error)
    from hydra.errors import HydraException

    refused = error.__cause__ is None or isinstance(error.__cause__, TypeError | ValueError)
    if has_settings and isinstance(error, HydraException) and refused and os.environ.get(_TRACEBACKS, "0") != "1":
        return f"{error}\n{_TRACEBACKS}=1 shows the traceback."
    return None
