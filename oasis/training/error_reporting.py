"""How a process that trains ends: without a traceback where the user can mend what is wrong."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from oasis.errors import OasisError, exit_code, message
from oasis.training.distributed_errors import follow

_MENDABLE = (OasisError, HydraException, OmegaConfBaseException, MisconfigurationException, OSError)
_TRACEBACKS = "PANOPTIC_OASIS_TRACEBACKS"  # what the user wants, for the processes that this one starts too
_LAUNCHERS = ("submitit.", "joblib.")  # their errors say which job of a sweep died, and what it said last
_NO_PLUGIN = re.compile("Could not (find|load) 'hydra/launcher/(submitit|joblib)")


def report_errors(main: Callable[[], None]) -> None:
    """Call a Hydra application; print the errors that a user can mend, all in one way, and exit with their code.

    `HYDRA_FULL_ERROR=1` shows tracebacks.
    """
    follow()
    debugging = os.environ.setdefault(_TRACEBACKS, os.environ.get("HYDRA_FULL_ERROR", "0")) == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands errors on
    try:
        main()
    except Exception as error:
        if debugging or not _mendable(error):
            raise
        print(f"error: {_advised(message(error))}", file=sys.stderr)
        sys.exit(exit_code(error))


@contextmanager
def telling_errors(folder: str) -> Iterator[None]:
    """Tell an error of one job of a sweep where and when it happens.

    The process that started the sweep hears of it when all jobs have ended, of the first alone, and through a pickle,
    which knows neither tracebacks nor causes.

    Args:
        folder: of the job.
    """
    try:
        yield
    except Exception as error:
        told = error.__cause__ if isinstance(error.__cause__, OasisError) else error
        if _mendable(told):
            print(f"error in {folder}: {message(told)}", file=sys.stderr)
        else:
            print(f"error in {folder}:", file=sys.stderr)
            traceback.print_exc()
        if told is not error:
            raise told from told.__cause__
        raise


def _mendable(error: BaseException) -> bool:
    launchers = type(error).__module__.startswith(_LAUNCHERS)
    return launchers or isinstance(error, _MENDABLE) or isinstance(error.__cause__, OasisError)


def _advised(said: str) -> str:
    """What Hydra says of a launcher that is not installed does not tell how to come by it."""
    if _NO_PLUGIN.search(said):
        return f"this launcher is in an extra: pip install 'panoptic-oasis[sweeps]', here -e '.[sweeps]'. {said}"
    return said
