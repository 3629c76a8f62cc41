"""Reporting errors of a training process, without a traceback if the user can fix them."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from oasis.errors import OasisError, exit_code, message
from oasis.training.distributed_errors import LAUNCHERS, follow
from oasis.training.runs.quoting import for_shell, quoted_setting

_FIXABLE = (OasisError, HydraException, OmegaConfBaseException, MisconfigurationException, OSError)
_TRACEBACKS = "PANOPTIC_OASIS_TRACEBACKS"  # the user's setting, inherited by child processes
_AMBIGUOUS = re.compile(r"Ambiguous value for argument '(.*)'\n")
_SPECIAL = (
    "the value needs quotes, for Hydra and for the shell, since it holds one of = , ( ) [ ] { } # ~, a quote, or a "
    "letter beyond ASCII."
)
_EXAMPLE = "\"data.root='/my photos'\""
_UNKNOWN = re.compile(r"Could not override '(.*)'\.\n")
_NO_PLUGIN = re.compile("Could not (find|load) 'hydra/launcher/(submitit|joblib)")


def report_errors(main: Callable[[], None], settings: Callable[[], Collection[str]] = tuple) -> None:
    """Call a Hydra application; print errors that the user can fix without a traceback, and exit with their code.

    `HYDRA_FULL_ERROR=1` shows tracebacks.

    Args:
        main: the application.
        settings: returns the dotted names of all settings; called only for a name that is not among them.
    """
    follow()
    debugging = os.environ.setdefault(_TRACEBACKS, os.environ.get("HYDRA_FULL_ERROR", "0")) == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises errors
    try:
        main()
    except Exception as error:
        if debugging or not _is_fixable(error):
            raise
        print(f"error: {explained(error, settings)}", file=sys.stderr)
        sys.exit(exit_code(error))


@contextmanager
def telling_errors(folder: str) -> Iterator[None]:
    """Report an error of one job of a sweep where and when it happens.

    The process that started the sweep gets it when all jobs have ended, only the first one, and pickled, without
    traceback and cause.

    Args:
        folder: of the job.
    """
    try:
        yield
    except Exception as error:
        told = error.__cause__ if isinstance(error.__cause__, OasisError) else error
        if _is_fixable(told):
            print(f"error in {folder}: {message(told)}", file=sys.stderr)
        else:
            print(f"error in {folder}:", file=sys.stderr)
            traceback.print_exc()
        if told is not error:
            raise told from told.__cause__
        raise


def _is_fixable(error: BaseException) -> bool:
    of_launcher = type(error).__module__.startswith(LAUNCHERS)  # names the job that died, with its last output
    return of_launcher or isinstance(error, _FIXABLE) or isinstance(error.__cause__, OasisError)


def explained(error: BaseException, settings: Callable[[], Collection[str]] = tuple) -> str:
    """The message of an error, with advice if Hydra's own has none.

    Args:
        error: Hydra's or any other.
        settings: see `report_errors`.
    """
    said = message(error).partition("\nConfig search path:")[0]  # Hydra's, of packages and folders
    unknown = _UNKNOWN.search(said)
    if unknown:
        nearest = get_close_matches(unknown[1], settings(), n=3, cutoff=0.7)
        advice = f"Did you mean {' or '.join(nearest)}? " if nearest else ""
        return f"{unknown[1]}: no such setting. {advice}`oasis train --cfg job` prints all, with the groups you choose."
    if _NO_PLUGIN.search(said):
        return f"this launcher is in an extra: pip install 'panoptic-oasis[sweeps]', here -e '.[sweeps]'. {said}"
    ambiguous = _AMBIGUOUS.search(said)
    setting = error.override if isinstance(error, OverrideParseException) else ambiguous and ambiguous[1]
    if setting is None:
        return said
    if "=" not in setting:
        return f"{setting}: not a setting, there is no = in it. A value with spaces needs quotes: {_EXAMPLE}"
    try:
        OverridesParser.create().parse_override(quoted_setting(setting))
    except HydraException:
        return said  # quoting would not help
    several = f" For several values, one run each, add -m.\n{said}" if ambiguous else ""
    return f"{setting}: {_SPECIAL} Type {for_shell(setting)}{several}"
