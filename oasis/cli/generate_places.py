"""The checkpoint, the input and the settings of `oasis generate`, told apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from oasis.cli.arguments import paths_and_settings
from oasis.errors import ConfigurationError


class Places(NamedTuple):
    """What is generated from what.

    checkpoint: None = the bundled model; source: None = a dataset that the settings name.
    """

    checkpoint: str | None
    source: Path | None
    settings: list[str]


def places(arguments: Sequence[str]) -> Places:
    """The places in `[CHECKPOINT] [INPUT] [SETTING=VALUE...]`.

    One path that is no checkpoint, such as a picture, is the INPUT.

    Raises:
        ConfigurationError: neither an input nor a dataset is named; two inputs; or a path that may be either.
    """
    paths, settings = paths_and_settings(arguments)
    if len(paths) > 2:
        raise ConfigurationError(
            f"A checkpoint and one input, but there are {len(paths) - 1}: {', '.join(map(str, paths[1:]))}. Put the "
            "label maps into one folder."
        )
    if len(paths) == 2:
        _require_no_input(*paths)
        return Places(str(paths[0]), paths[1], settings)
    if not paths:
        return Places(None, None, settings)
    only = paths[0]
    if names_dataset(settings):
        return Places(None, only, settings) if _is_input(only) else Places(str(only), None, settings)
    if _is_input(only):
        return Places(None, only, settings)
    raise _without_input(only)


def names_dataset(settings: Sequence[str]) -> bool:
    """Whether settings name a dataset: `data=synthetic`, `data.root=DIR`."""
    return any(setting.startswith(("data=", "data.root=")) for setting in settings)


def _is_input(path: Path) -> bool:
    """Whether a path is a picture, or a folder without checkpoints."""
    if path.is_dir():
        from oasis.checkpoint.finding import newest_below

        return newest_below(path) is None
    from oasis.data.files.opening import PHOTO_ENDINGS

    return path.is_file() and path.suffix.lower() in PHOTO_ENDINGS


def _require_no_input(first: Path, second: Path) -> None:
    if _is_input(first):
        what = "a picture" if first.is_file() else "a folder without any"
        raise ConfigurationError(
            f"{first} is no checkpoint but {what}, and {second} would be the input. The checkpoint comes first; "
            "several label maps go into one folder; without a checkpoint, the bundled model "
            "takes one INPUT."
        )


def _without_input(only: Path) -> ConfigurationError:
    from oasis.checkpoint.finding import SUFFIXES, is_on_hub, newest_below

    if not only.exists() and not is_on_hub(only) and only.suffix not in SUFFIXES:
        return ConfigurationError(
            f"{only}: no such file or folder, neither a checkpoint nor an input. Give a label map, a folder of them, "
            "the root of a dataset, or settings of one, data=synthetic; and before it a checkpoint, unless the "
            "bundled model will do."
        )
    what = f"{only} holds a checkpoint, {newest_below(only)}," if only.is_dir() else f"{only} is a checkpoint,"
    maps = " If the input is what else is in it, name a checkpoint before it, or a folder without runs." * only.is_dir()
    return ConfigurationError(
        f"No input is named: {what} and nothing follows it. Add a label map, a folder of them, the root of a dataset, "
        f"or the settings of one: data=synthetic, or data=cityscapes data.root=DIR.{maps}"
    )
