"""Label spaces: the classes of label maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oasis.errors import DatasetError
from oasis.label_files import RAW_IDS, parse_label_space, read_label_space

_BUILT_IN = Path(__file__).parent / "label_spaces"


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
        if len(self.palette) != len(self.names):
            raise ValueError(f"{len(self.names)} names but {len(self.palette)} colours")
        if len(self.raw_to_class) != RAW_IDS:
            raise ValueError(f"raw_to_class needs {RAW_IDS} entries, not {len(self.raw_to_class)}")
        if not -1 <= min(self.raw_to_class) <= max(self.raw_to_class) < self.num_classes:
            raise ValueError(f"raw_to_class points outside the {self.num_classes} classes")

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """A label space from a YAML file.

        `classes` lists the classes in the order of their indices: a `name`; `ids`, its raw ids, several, one
        or none; `color`, RGB (generated if missing); `thing: true` if it has instances; `scored: false` if it is not
        scored. `ignore` names the class whose pixels have weight 0 in the losses, which is never scored.

        Raises:
            ConfigurationError: no such file, or an invalid one.
        """
        return cls(**read_label_space(Path(path)))

    @classmethod
    def from_classes(cls, classes: Sequence[Mapping[str, Any]], ignore: str) -> Self:
        """A label space from the contents of such a file, as in `conf/label_space/NAME.yaml`.

        A checkpoint then contains the classes, without a file.

        Raises:
            ConfigurationError: see `from_file`.
        """
        content = {"classes": [dict(entry) for entry in classes], "ignore": ignore}
        return cls(**parse_label_space(content, "label_space"))

    @classmethod
    def cityscapes_ids(cls) -> Self:
        """All of Cityscapes, as in OASIS: raw ids 0..33 unchanged, and one unused `unknown`."""
        return cls.from_file(_BUILT_IN / "cityscapes_ids.yaml")

    @classmethod
    def cityscapes_train_ids(cls) -> Self:
        """The 19 evaluated classes of Cityscapes at their train ids, and `void` (19, ignored) for the rest."""
        return cls.from_file(_BUILT_IN / "cityscapes_train_ids.yaml")

    @classmethod
    def ade20k(cls) -> Self:
        """The 150 classes of ADE20K, from 1, and `unknown` (0, ignored)."""
        return cls.from_file(_BUILT_IN / "ade20k.yaml")

    @classmethod
    def coco_stuff(cls) -> Self:
        """The 182 classes of COCO-Stuff, from 1, and `unknown` (0, ignored)."""
        return cls.from_file(_BUILT_IN / "coco_stuff.yaml")

    @property
    def num_classes(self) -> int:
        """C, including the ignored class."""
        return len(self.names)

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
            "labelIds files, or say what it is with kind=train_ids (`oasis generate --kind train_ids`)"
            if 255 in bad
            else "use the *_labelIds.png files of Cityscapes, or write your own LabelSpace"
        )
        highest = max(i for i in range(RAW_IDS) if known[i])
        raise DatasetError(
            f"{source}: label ids outside the label space: {listing}. Known ids go up to {highest}; {advice}."
        )

    def to_classes(self, raw: Tensor) -> Tensor:
        """Map raw ids to class indices, on the device of `raw`.

        Args:
            raw: (...) integer tensor of ids that passed `check`.

        Returns:
            (...) int64 class indices.
        """
        return _lookup(self.raw_to_class, raw.device)[raw.long()]


@lru_cache(maxsize=16)
def _lookup(table: tuple[int, ...], device: torch.device) -> Tensor:
    """The table on a device; cached, since copying it makes the host wait."""
    return torch.tensor(table, device=device)
