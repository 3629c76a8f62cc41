"""Checks of a configuration's parts before anything is built."""

import re
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from hydra.errors import InstantiationException
from omegaconf import DictConfig

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


def require_sweep(choices: Mapping[str, str | None]) -> None:
    """Refuse, in a single run, what only a sweep uses: a launcher of jobs, or a search.

    Args:
        choices: Hydra's, by group.

    Raises:
        ConfigurationError: the message names the choice.
    """
    for group, origin in (("hydra/sweeper", "hparams_search"), ("hydra/launcher", "hydra/launcher")):
        if choices.get(group) not in (None, "basic"):
            named = origin if choices.get(origin) else group
            raise ConfigurationError(
                f"{named}={choices[named]} is for several runs, and without -m this is a single one. Add it, as in "
                f"`oasis train -m ...`, or leave the choice out ({group}=basic)."
            )


def keep_off(callbacks: MutableMapping[str, Any], known: Collection[str]) -> None:
    """Switch off, in place, the callbacks that one file has set to null and a later one gives a setting.

    `callbacks.ema.bn_batches` of debug=one_batch must not bring back an average that a recipe does without.

    Args:
        callbacks: by name; such a one has settings, but no class.
        known: names of all callbacks that may be switched off.

    Raises:
        ConfigurationError: a callback of another name without a class.
    """
    for name, settings in callbacks.items():
        adjusted = isinstance(settings, DictConfig) and "_target_" not in settings
        if adjusted and name in known:
            callbacks[name] = None
        elif adjusted or not isinstance(settings, DictConfig | None):
            raise ConfigurationError(
                f"callbacks.{name}={settings!r}: it has no _target_, the class to make it of. null switches a callback "
                f"off; there are {', '.join(known)}."
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
