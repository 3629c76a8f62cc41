"""Label spaces: what the integers in a label map mean."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from cityscapesscripts.helpers.labels import labels as cityscapes_labels
from numpy.typing import NDArray
from torch import Tensor

from oasis.class_names import ADE20K, ADE20K_STUFF, COCO_STUFF, COCO_THINGS, generated_palette
from oasis.errors import DatasetError

_RAW_IDS = 256  # label maps are 8-bit pictures


@dataclass(frozen=True)
class LabelSpace:
    """The classes a model knows, and how the raw ids of a dataset's files map onto them.

    Attributes:
        names: C class names; the position is the class index.
        palette: C colours, RGB in 0..255.
        things: indices of the classes that have instances.
        ignore_index: the class whose pixels weigh nothing in the losses (unlabelled, void).
        evaluated: indices of the classes that scores are taken over; pixels of all others are void to them.
        raw_to_class: 256 entries, the class index of each raw id, -1 where a raw id means nothing.
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
        if len(self.raw_to_class) != _RAW_IDS:
            raise ValueError(f"raw_to_class needs {_RAW_IDS} entries, not {len(self.raw_to_class)}")
        if not -1 <= min(self.raw_to_class) <= max(self.raw_to_class) < self.num_classes:
            raise ValueError(f"raw_to_class points outside the {self.num_classes} classes")

    @classmethod
    def cityscapes_ids(cls) -> Self:
        """All of Cityscapes, as OASIS trains it: raw ids 0..33 as they are, and one never-used `unknown`.

        35 classes, `unlabeled` (0) is ignored.
        Source: Sushko et al. 2021, section 4; `labels.py` of cityscapesscripts.
        """
        used = sorted((entry for entry in cityscapes_labels if entry.id >= 0), key=lambda entry: entry.id)
        return cls(
            names=(*(entry.name for entry in used), "unknown"),
            palette=(*(entry.color for entry in used), (255, 255, 255)),
            things=frozenset(entry.id for entry in used if entry.hasInstances),
            ignore_index=0,
            raw_to_class=_table({entry.id: entry.id for entry in used}),
            evaluated=frozenset(entry.id for entry in used if not entry.ignoreInEval),
        )

    @classmethod
    def cityscapes_train_ids(cls) -> Self:
        """The 19 evaluated classes of Cityscapes at their train ids, and `void` (19, ignored) for the rest.

        Source: `labels.py` of cityscapesscripts.
        """
        evaluated = sorted((e for e in cityscapes_labels if not e.ignoreInEval), key=lambda e: e.trainId)
        void = len(evaluated)
        return cls(
            names=(*(entry.name for entry in evaluated), "void"),
            palette=(*(entry.color for entry in evaluated), (0, 0, 0)),
            things=frozenset(entry.trainId for entry in evaluated if entry.hasInstances),
            ignore_index=void,
            raw_to_class=_table({e.id: void if e.ignoreInEval else e.trainId for e in cityscapes_labels if e.id >= 0}),
            evaluated=frozenset(range(void)),
        )

    @classmethod
    def ade20k(cls) -> Self:
        """The 150 classes of ADE20K as its SceneParsing label maps number them, from 1, and `unknown` (0, ignored).

        Colours are generated. Source: Zhou et al. 2017; as the official OASIS reads them.
        """
        return cls(
            names=("unknown", *ADE20K),
            palette=generated_palette(1 + len(ADE20K)),
            things=frozenset(index for index, name in enumerate(ADE20K, start=1) if name not in ADE20K_STUFF),
            ignore_index=0,
            raw_to_class=_table({index: index for index in range(1 + len(ADE20K))}),
            evaluated=frozenset(range(1, 1 + len(ADE20K))),
        )

    @classmethod
    def coco_stuff(cls) -> Self:
        """The 182 classes of COCO-Stuff, and `unknown` in front of them (0, ignored).

        Its label maps (`stuffthingmaps`) number the classes from 0 and hold 255 where nothing was labelled. Colours are
        generated. Source: Caesar et al. 2018; as the official OASIS reads them.
        """
        names = (*COCO_THINGS, *COCO_STUFF)
        return cls(
            names=("unknown", *names),
            palette=generated_palette(1 + len(names)),
            things=frozenset(range(1, 1 + len(COCO_THINGS))),
            ignore_index=0,
            raw_to_class=_table({255: 0, **{raw: raw + 1 for raw in range(len(names))}}),
            evaluated=frozenset(range(1, 1 + len(names))),
        )

    @property
    def num_classes(self) -> int:
        """C, the ignored class included."""
        return len(self.names)

    def check(self, raw: NDArray[np.uint8], source: str) -> None:
        """Raise if `raw` holds ids that mean nothing here.

        Args:
            raw: label map as read from its file, any shape.
            source: what to call it in the error, usually the file's path.

        Raises:
            DatasetError: with the ids, how many pixels bear them, and what is probably wrong.
        """
        known = np.asarray(self.raw_to_class) >= 0
        if known[raw].all():
            return
        counts = np.bincount(raw.reshape(-1), minlength=_RAW_IDS)
        bad = [i for i in range(_RAW_IDS) if counts[i] and not known[i]]
        listing = ", ".join(f"{i} ({counts[i]} pixels)" for i in bad[:8]) + (", ..." if len(bad) > 8 else "")
        advice = (
            "255 is the void value of *train ids*: use the labelIds files, or map 255 to 0 first"
            if 255 in bad
            else "use the *_labelIds.png files of Cityscapes, or write your own LabelSpace"
        )
        highest = max(i for i in range(_RAW_IDS) if known[i])
        raise DatasetError(
            f"{source}: label ids outside the label space: {listing}. Known ids go up to {highest}; {advice}."
        )

    def to_classes(self, raw: Tensor) -> Tensor:
        """Raw ids to class indices, on whatever device `raw` is.

        Args:
            raw: (...) integer tensor of ids that passed `check`.

        Returns:
            (...) int64 class indices.
        """
        return _lookup(self.raw_to_class, raw.device)[raw.long()]


@lru_cache(maxsize=16)
def _lookup(table: tuple[int, ...], device: torch.device) -> Tensor:
    """The table on a device; made once, since copying it there makes the host wait."""
    return torch.tensor(table, device=device)


def _table(mapping: dict[int, int]) -> tuple[int, ...]:
    return tuple(mapping.get(raw, -1) for raw in range(_RAW_IDS))
