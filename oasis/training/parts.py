"""Checks of a configuration's parts before anything is built."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hydra.errors import InstantiationException

from oasis.errors import ConfigurationError
from oasis.plugins import require_trusted

PARTS = ("label_space", "data", "encoding", "generator", "discriminator", "objective", "segmenter")
PRESETS = ("recipe", "speed")
_NO_SETTING = re.compile(r"^(generator|discriminator): \w+ has no setting ")
_UNEXPECTED = re.compile(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'")


def require_trusted_parts(config: Mapping[str, Any]) -> None:
    """Refuse parts with untrusted classes, since a checkpoint with them could not be read.

    Raises:
        ConfigurationError: the message names the part, and how to trust its package.
    """
    for part in PARTS:
        for path, target in _targets(config.get(part), part):
            require_trusted(target, path)


def require_own_presets(choices: Mapping[str, str | None]) -> None:
    """Refuse presets of another model: their settings would be passed to networks that do not have them.

    Args:
        choices: Hydra's, by group.

    Raises:
        ConfigurationError: the message names the preset and the model.
    """
    for group in PRESETS:
        choice, model = choices.get(group), str(choices.get("model"))
        if choice and "/" in choice and choice.split("/")[0] != model.split("_")[0]:
            raise ConfigurationError(
                f"{group}={choice} is a preset of model={choice.split('/')[0]}, but the run has model={model}. Leave "
                f"it out, or write conf/{group}/{model}/NAME.yaml."
            )


@contextmanager
def explaining_arguments(choices: Mapping[str, str | None], models: Collection[str] = ()) -> Iterator[None]:
    """Turn errors about unknown arguments of a part into messages that name the setting and its possible origin.

    Args:
        choices: Hydra's, by group.
        models: names of all models, of which one may have sizes for the chosen network.

    Raises:
        ConfigurationError: a class got an unknown argument.
    """
    try:
        yield
    except (InstantiationException, TypeError) as error:
        network = _NO_SETTING.search(str(error.__cause__))
        other = _model_with(choices, network[1], models) if network else None
        if other:
            raise ConfigurationError(f"{error.__cause__} {other}") from error
        found = _UNEXPECTED.search(str(error))
        if found is None:
            raise
        chosen = ", ".join(f"{group}={choice}" for group, choice in choices.items() if choice and group in _SETTING)
        raise ConfigurationError(
            f"{found[1]} has no setting {found[2]!r}: it was set on the command line or by one of {chosen}, for "
            "another class of that group. Leave it out there, or choose the class that it is meant for."
        ) from error


def _model_with(choices: Mapping[str, str | None], part: str, models: Collection[str]) -> str | None:
    """Advice to use the model of the same size that is made for a network, if there is one."""
    _, underscore, size = str(choices.get("model")).partition("_")
    other = f"{choices.get(part)}{underscore}{size}"
    if other not in models or other == choices.get("model"):
        return None
    return f"model={choices['model']} sets sizes of its own {part}; model={other} has those of {part}={choices[part]}."


_SETTING = ("experiment", "model", "generator", "discriminator", "objective", "encoding", *PRESETS)


def _targets(config: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(config, Mapping):
        for key, value in config.items():
            if key == "_target_":
                yield f"{path}._target_", str(value)
            else:
                yield from _targets(value, f"{path}.{key}")
    elif isinstance(config, list | tuple):
        for position, value in enumerate(config):
            yield from _targets(value, f"{path}[{position}]")
