"""Label spaces: the classes of label maps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oasis.errors import ConfigurationError, DatasetError
from oasis.label_files import RAW_IDS, parse_classes, read_built_in, read_classes
from oasis.label_formats import SUFFIXES, mapillary_config

_BUILT_IN = Path(__file__).parent / "label_spaces"
_MOST_NAMED = 8  # in an error


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a model, and the mapping from raw ids of a dataset's files to them.

    Attributes:
        names: C class names; the position is the class index.
        palette: C colours, RGB in 0..255.
        things: indices of the classes that have instances.
        ignore_index: the class whose pixels have weight 0 in the losses (unlabelled, void).
        evaluated: indices of the classes that are scored; pixels of all others are void in scores.
        raw_to_class: 256 entries, the class index of each raw id, -1 if it has none.
    """

    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    things: frozenset[int]
    ignore_index: int
    raw_to_class: tuple[int, ...]
    evaluated: frozenset[int]

    def __post_init__(self) -> None:
        for name, made in (("names", tuple), ("things", frozenset), ("raw_to_class", tuple), ("evaluated", frozenset)):
            object.__setattr__(self, name, made(getattr(self, name)))  # of a configuration, they are lists
        object.__setattr__(self, "palette", tuple(tuple(color) for color in self.palette))
        if len(self.palette) != len(self.names):
            raise ValueError(f"{len(self.names)} names but {len(self.palette)} colours")
        if len(self.raw_to_class) != RAW_IDS:
            raise ValueError(f"raw_to_class needs {RAW_IDS} entries, not {len(self.raw_to_class)}")
        if not -1 <= min(self.raw_to_class) <= max(self.raw_to_class) < self.num_classes:
            raise ValueError(f"raw_to_class points outside the {self.num_classes} classes")

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """A label space from a class file: YAML, or JSON of the same structure.

        `classes` lists the classes in the order of their indices: a `name`; `ids`, its raw ids, several, one
        or none; `color`, RGB (generated if missing); `thing: true` if it has instances; `scored: false` if it is not
        scored. `ignore` names the class whose pixels have weight 0 in the losses, which is never scored.

        The table of classes of SceneParsing (`objectInfo150.csv`) and the configuration of Mapillary Vistas
        (`config_v2.0.json`) are read as they are.

        Raises:
            ConfigurationError: no such file, or an invalid one.
        """
        return cls(**parse_classes(read_classes(Path(path)), path))

    @classmethod
    def from_classes(cls, classes: Sequence[Mapping[str, Any]], ignore: str) -> Self:
        """A label space from the contents of such a file, as in `conf/label_space/NAME.yaml`.

        A checkpoint then contains the classes, without a file.

        Raises:
            ConfigurationError: see `from_file`.
        """
        return cls(**parse_classes({"classes": _plain(classes), "ignore": ignore}, "label_space"))

    @classmethod
    def built_in(cls, name: str) -> Self:
        """A label space of this package.

        Args:
            name: one of `built_in_names()`.

        Raises:
            ConfigurationError: there is none of this name.
        """
        if name not in built_in_names():
            raise ConfigurationError(f"No label space is called {name!r}; there are {', '.join(built_in_names())}.")
        return cls(**read_built_in(_BUILT_IN / f"{name}.yaml"))

    @classmethod
    def named(cls, name: str) -> Self:
        """A label space of this package by its name, or one of a class file by its path.

        Raises:
            ConfigurationError: neither; see `from_file`.
        """
        if name in built_in_names():
            return cls.built_in(name)
        if Path(name).suffix.lower() not in SUFFIXES:
            raise ConfigurationError(
                f"{name}: no label space is called this, nor is it a class file ({', '.join(SUFFIXES)}). There are "
                f"{', '.join(built_in_names())}."
            )
        return cls.from_file(name)

    @classmethod
    def cityscapes_ids(cls) -> Self:
        """All of Cityscapes, as in OASIS: raw ids 0..33 unchanged, and one unused `unknown`."""
        return cls.built_in("cityscapes_ids")

    @classmethod
    def cityscapes_train_ids(cls) -> Self:
        """The 19 evaluated classes of Cityscapes at their train ids, and `void` (19, ignored) for the rest."""
        return cls.built_in("cityscapes_train_ids")

    @classmethod
    def ade20k(cls) -> Self:
        """The 150 classes of ADE20K, from 1, and `unknown` (0, ignored)."""
        return cls.built_in("ade20k")

    @classmethod
    def coco_stuff(cls) -> Self:
        """The 182 classes of COCO-Stuff, from 1, and `unknown` (0, ignored)."""
        return cls.built_in("coco_stuff")

    @classmethod
    def mapillary(cls, root: str | Path | None, version: str) -> Self:
        """The classes of Mapillary Vistas, from the configuration in its folder.

        Args:
            root: the dataset's folder.
            version: `v1.2` or `v2.0`.

        Raises:
            ConfigurationError: no root, or no configuration there; see also `from_file`.
        """
        return cls.from_file(mapillary_config(root, version))

    @property
    def num_classes(self) -> int:
        """C, including the ignored class."""
        return len(self.names)

    def differences(self, other: "LabelSpace", ours: str = "here", theirs: str = "there") -> str:
        """In what another label space differs, in words.

        Args:
            other: the other one.
            ours: where this one is, in words.
            theirs: where the other one is.

        Returns:
            Names that only one of them has, or else the classes that are not the same; empty if nothing differs.
        """
        only = [
            f"only {where}: {_listing([name for name in names if name not in others])}"
            for where, names, others in ((ours, self.names, other.names), (theirs, other.names, self.names))
            if not set(names) <= set(others)
        ]
        if only:
            return "; ".join(only)
        moved = [
            f"class {index} is {mine!r} {ours}, {its!r} {theirs}"
            for index, (mine, its) in enumerate(zip(self.names, other.names, strict=False))
            if mine != its
        ]
        if moved:
            return f"the same names in another order: {'; '.join(moved[:_MOST_NAMED])}"
        return "; ".join(
            f"{what} differs in {_listing([name for i, name in enumerate(self.names) if of(self, i) != of(other, i)])}"
            for what, of in _PROPERTIES.items()
            if any(of(self, i) != of(other, i) for i in range(self.num_classes))
        )

    def check(self, raw: NDArray[np.uint8], source: str) -> None:
        """Raise if `raw` has ids outside this label space.

        Args:
            raw: label map as read from its file, any shape.
            source: its name in the error, usually the file's path.

        Raises:
            DatasetError: the message names the ids, their pixel counts, and the probable cause.
        """
        known = np.asarray(self.raw_to_class) >= 0
        if known[raw].all():
            return
        counts = np.bincount(raw.reshape(-1), minlength=RAW_IDS)
        bad = [i for i in range(RAW_IDS) if counts[i] and not known[i]]
        listing = ", ".join(f"{i} ({counts[i]} pixels)" for i in bad[:8]) + (", ..." if len(bad) > 8 else "")
        advice = (
            "255 is the void value of *train ids*, whose other numbers are not label ids either (0 is road): use the "
            "labelIds files, or say what it is with kind=train_ids (`oasis generate --kind train_ids`; for training, "
            "data.label_suffix=labelTrainIds)"
            if 255 in bad
            else "use the *_labelIds.png files of Cityscapes, or a class file with these ids, label_space=file"
        )
        highest = max(i for i in range(RAW_IDS) if known[i])
        raise DatasetError(
            f"{source}: label ids outside the label space: {listing}. Known ids go up to {highest}; {advice}. For "
            "maps of another dataset, say whose classes they are: `oasis generate --label-space-of-input ade20k`."
        )

    def to_classes(self, raw: Tensor) -> Tensor:
        """Map raw ids to class indices, on the device of `raw`.

        Args:
            raw: (...) integer tensor of ids that passed `check`.

        Returns:
            (...) int64 class indices.
        """
        return _lookup(self.raw_to_class, raw.device)[raw.long()]


def built_in_names() -> list[str]:
    """The names of all label spaces of this package, in alphabetical order."""
    return sorted(path.stem for path in _BUILT_IN.glob("*.yaml"))


_PROPERTIES: Mapping[str, Callable[[LabelSpace, int], object]] = {
    "ids": lambda space, index: [raw for raw, found in enumerate(space.raw_to_class) if found == index],
    "thing": lambda space, index: index in space.things,
    "ignore": lambda space, index: index == space.ignore_index,
    "scored": lambda space, index: index in space.evaluated,
    "color": lambda space, index: space.palette[index],
}


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more


def _plain(value: Any) -> Any:
    """Lists and dictionaries, where there were OmegaConf's."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


@lru_cache(maxsize=16)
def _lookup(table: tuple[int, ...], device: torch.device) -> Tensor:
    """The table on a device; cached, since copying it makes the host wait."""
    return torch.tensor(table, device=device)
