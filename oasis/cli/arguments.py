"""Paths, settings and options of one command line: telling them apart, and refusing what would have no effect."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
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


SEARCH_PATH = "hydra.searchpath"
"""The setting with the folders where further settings are found, such as those of a plug-in."""


def is_setting(word: str) -> bool:
    """Whether a word of a command line has the form of a setting, such as `data.root=DIR` or `++data.flip=false`."""
    return _SETTING.match(word) is not None


def setting_name(setting: str) -> str:
    """The dotted name of a setting, without `+`, `++` or `~`: `data.root` of `++data.root=DIR`."""
    return setting.lstrip("~+").partition("=")[0].partition("@")[0]


def group_of(setting: str) -> str:
    """The group of a setting: `data` of `data=ade20k` and of `++data.root=DIR`."""
    return re.split("[./]", setting_name(setting))[0]


def require_groups(settings: Sequence[str], groups: Collection[str], command: str) -> None:
    """Raise if a setting is of a group that a command does not read.

    Args:
        settings: Hydra's.
        groups: those that it reads.
        command: its name, for the error.

    Raises:
        ConfigurationError: the message names the setting.
    """
    others = [each for each in settings if group_of(each) not in groups and setting_name(each) != SEARCH_PATH]
    if others:
        raise ConfigurationError(
            f"{others[0]}: `oasis {command}` takes settings of {', '.join(groups)} only, and this one would change "
            "nothing: all else is as the checkpoint was trained. Leave it out."
        )


def with_option(settings: Sequence[str], option: str, name: str, value: object | None) -> list[str]:
    """The settings, and that of an option, if it is given.

    Args:
        settings: Hydra's.
        option: such as `--height`.
        name: of the setting that it stands for, such as `data.height`.
        value: of the option; None = not given.

    Raises:
        ConfigurationError: the settings have it too, with another value.
    """
    if value is None:
        return [*settings]
    others = [each for each in settings if setting_name(each) == name and each.partition("=")[2] != str(value)]
    if others:
        raise ConfigurationError(f"{option} {value} and {others[0]} contradict each other. Leave one of them out.")
    return [*settings, f"{name}={value}"]


def require_partner(partner: str, given: object, options: Mapping[str, object | None]) -> None:
    """Raise if an option is given that does nothing without another one.

    Args:
        partner: the other option.
        given: its value; None, empty or False = it is not given.
        options: values by name; None and False = not given.

    Raises:
        ConfigurationError: the message names both.
    """
    alone = [name for name, value in options.items() if value is not None and value is not False]
    if alone and not given:
        raise ConfigurationError(f"{alone[0]} is for {partner}, which is not given: it would change nothing.")


def require_folder(output: Path) -> None:
    """Raise, before any work, if a folder for results cannot be made.

    Args:
        output: the folder; it need not exist.

    Raises:
        ConfigurationError: it is a file, or below one; or nothing may be written there.
    """
    there = next(each for each in (output.absolute(), *output.absolute().parents) if os.path.lexists(each))
    if not there.is_dir():
        raise ConfigurationError(f"--output {output}: {there} is a file. Name a folder; it is made if there is none.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigurationError(f"--output {output}: nothing may be written to {there}. Name another folder.")
