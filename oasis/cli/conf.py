"""Locating conf/ and composing configurations from it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

import oasis
from oasis.encodings import Encoding
from oasis.errors import ConfigurationError
from oasis.label_files import read_classes
from oasis.label_formats import mapillary_config
from oasis.training.error_reporting import explained

# Settings of the data that commands read themselves, or that would mean something else in silence: "no" is true.
_KINDS: Mapping[tuple[type, ...], tuple[str, ...]] = {
    (int,): ("height", "width", "batch_size", "max_pixels"),
    (int, float): ("max_bad_share", "worker_timeout"),
    (bool,): ("flip", "use_cache", "build_cache"),
}
_IN_WORDS: Mapping[tuple[type, ...], str] = {
    (int,): "a whole number",
    (int, float): "a number",
    (bool,): "true or false",
}
_CLASS_FILE = "oasis.labels.LabelSpace.from_file"
_MAPILLARY = "oasis.labels.LabelSpace.mapillary"
_CLASSES = "oasis.labels.LabelSpace.from_classes"


def conf_dir() -> Path:
    """The folder of all settings: inside an installed package, beside the package in a checkout.

    Raises:
        ConfigurationError: it is in neither place.
    """
    package = Path(oasis.__file__).resolve().parent
    places = [package / "conf", package.parent / "conf"]
    for folder in places:
        if (folder / "train.yaml").is_file():
            return folder
    raise ConfigurationError(
        f"The settings are missing: no train.yaml in {places[0]} or {places[1]}. Install panoptic-oasis again."
    )


def load_config(overrides: Sequence[str], root: Path | None = None) -> DictConfig:
    """The configuration that `oasis train OVERRIDES` composes.

    Args:
        overrides: such as `data.root=DIR` or `segmenter=unet`.
        root: the value of `data.root`, as it is, unless None.

    Raises:
        ConfigurationError: a setting that does not exist, or one of the data of another type than it has to be.
    """
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            config = compose("train", overrides=list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigurationError(explained(error, lambda: setting_names(overrides))) from error
    require_kinds(config.get("data") or {})
    if root is not None:
        config.data.root = str(root)
    read_label_space(config)
    return config


def require_kinds(data: Mapping[str, Any]) -> None:
    """Raise unless settings of the data are numbers, or true and false, where they have to be.

    Raises:
        ConfigurationError: the message names the setting and its value.
    """
    for kinds, names in _KINDS.items():
        for name in names:
            if name in data and type(data[name]) not in kinds:
                raise ConfigurationError(f"data.{name}={data[name]}: must be {_IN_WORDS[kinds]}.")


def setting_names(overrides: Sequence[str]) -> list[str]:
    """The dotted names of all settings, given the groups that these overrides choose; empty if they do not compose."""
    groups = [each for each in overrides if (conf_dir() / each.partition("=")[0]).is_dir() and "=" in each]
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return _names(compose("train", overrides=groups), "")
    except (HydraException, OmegaConfBaseException):
        return []


def _names(config: DictConfig, prefix: str) -> list[str]:
    names = []
    for key in map(str, config):
        names.append(f"{prefix}{key}")
        below = config._get_node(key)
        if isinstance(below, DictConfig):
            names += _names(below, f"{prefix}{key}.")
    return names


def read_label_space(config: DictConfig) -> None:
    """Replace `label_space=file` and `mapillary` by the classes in their file, for all parts that refer to them.

    A checkpoint written with this configuration then needs no file.

    Raises:
        ConfigurationError: no path, no such file, or an invalid one.
    """
    space = config.get("label_space")
    target = space.get("_target_") if space else None
    if target not in (_CLASS_FILE, _MAPILLARY):
        return
    if target == _CLASS_FILE and OmegaConf.is_missing(space, "path"):
        raise ConfigurationError("label_space=file needs the file: label_space.path=classes.yaml")
    path = Path(space.path).expanduser() if target == _CLASS_FILE else mapillary_config(space.root, space.version)
    classes = read_classes(path)
    with open_dict(config):
        config.label_space = {"_target_": _CLASSES, "_convert_": "all", **classes}


def encoding_names() -> list[str]:
    """Names of all encodings in conf/encoding, in alphabetical order."""
    return sorted(path.stem for path in (conf_dir() / "encoding").glob("*.yaml"))


def load_encodings(names: Sequence[str], settings: Sequence[str] = ()) -> dict[str, Encoding]:
    """Make encodings as `oasis train SETTINGS encoding=NAME` does, in eval mode.

    Args:
        names: of files in conf/encoding.
        settings: such as `data=ade20k`, which names the classes.

    Returns:
        Name -> encoding; all of one label space.

    Raises:
        ConfigurationError: no such encoding.
    """
    unknown = [name for name in names if name not in encoding_names()]
    if unknown:
        raise ConfigurationError(f"No encoding is called {unknown[0]!r}; there are {', '.join(encoding_names())}.")
    return {name: instantiate(load_config([*settings, f"encoding={name}"]).encoding).eval() for name in names}
