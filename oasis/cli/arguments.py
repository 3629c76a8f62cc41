"""Separating paths from settings on a command line that takes both."""

import re
from collections.abc import Sequence
from pathlib import Path

from oasis.errors import ConfigurationError

_SETTING = re.compile(r"^[~+]{0,2}[A-Za-z_][\w./@]*=")


def split_arguments(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Paths and settings, each in their order; see `paths_and_settings`.

    Raises:
        ConfigurationError: no path at all.
    """
    paths, settings = paths_and_settings(arguments)
    if not paths:
        raise ConfigurationError("No checkpoint is named. Give RUN/checkpoints/last.ckpt, or the run's folder.")
    return paths, settings


def paths_and_settings(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Paths and settings, each in their order; there may be none of either.

    Existing files and folders, and names that end in `.ckpt`, are paths, even with a `=`, as in folders of sweeps.
    """
    paths, settings = [], []
    for argument in arguments:
        if _SETTING.match(argument) and not argument.endswith(".ckpt") and not Path(argument).exists():
            settings.append(argument)
        else:
            paths.append(Path(argument))
    return paths, settings
