"""How a process that trains ends: without a traceback where the user can mend what is wrong."""

import os
import sys
from collections.abc import Callable

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from oasis.errors import OasisError, exit_code, message

_MENDABLE = (OasisError, HydraException, OmegaConfBaseException, MisconfigurationException, OSError)


def report_errors(main: Callable[[], None]) -> None:
    """Call a Hydra application; print the errors that a user can mend, all in one way, and exit with their code.

    `HYDRA_FULL_ERROR=1` shows tracebacks.
    """
    debugging = os.environ.setdefault("HYDRA_FULL_ERROR", "0") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands errors on
    try:
        main()
    except Exception as error:
        if debugging or not (isinstance(error, _MENDABLE) or isinstance(error.__cause__, OasisError)):
            raise
        print(f"error: {message(error)}", file=sys.stderr)
        sys.exit(exit_code(error))
