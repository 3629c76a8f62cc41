"""The segments that the JSON of a COCO panoptic dataset describes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS

_HIGHEST_ID = 2**24 - 1
_NO_AREA = -1


@dataclass(frozen=True)
class Segments:
    """The segments of one picture, by ascending id; the first is id 0, "no segment".

    Attributes:
        id: (S,) int32.
        category: (S,) int32 in 0..255.
        area: (S,) int32, pixels; -1 = unknown.
        is_single: (S,) bool, False for crowds and "no segment".
        position: (S,) int32, in `segments_info`.
    """

    id: NDArray[np.int32]
    category: NDArray[np.int32]
    area: NDArray[np.int32]
    is_single: NDArray[np.bool_]
    position: NDArray[np.int32]

    def numbers(self) -> NDArray[np.int32]:
        """(S,) int32: the number of each single segment within its category, from 0 in the order of `segments_info`."""
        numbers = np.zeros_like(self.id)
        taken = [0] * RAW_IDS
        for row in np.argsort(self.position, kind="stable"):
            if self.is_single[row]:
                numbers[row] = taken[self.category[row]]
                taken[self.category[row]] += 1
        return numbers


class SegmentIndex:
    """The segments of all pictures, as arrays: the lists of the training split of COCO would take gigabytes.

    Args:
        path: of the JSON.
        rows: (N, 5) int32, the segments of all pictures one after the other.
        slices: file name of each picture -> its rows.
    """

    def __init__(self, path: Path, rows: NDArray[np.int32], slices: Mapping[str, slice]) -> None:
        self.path = path
        self._rows = rows
        self._slices = slices

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the JSON.

        Raises:
            DatasetError: no such file; not the JSON of a COCO panoptic dataset; an id or a picture is listed twice; a
                category that is not among `categories`, or not in 1..255.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            categories = {int(entry["id"]) for entry in content["categories"]}
            pictures = [(str(one["file_name"]), _rows(one["segments_info"])) for one in content["annotations"]]
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror}); it comes with the maps.") from error
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise DatasetError(
                f"{path}: not the JSON of a COCO panoptic dataset, with categories, and annotations with file_name and "
                f"segments_info ({type(error).__name__}: {error}). Fetch it again."
            ) from error
        for name, rows in pictures:
            _check(path, name, rows, categories)
        ends = np.cumsum([len(rows) for _, rows in pictures]).tolist()
        slices = {name: slice(end - len(rows), end) for (name, rows), end in zip(pictures, ends, strict=True)}
        if len(slices) < len(pictures):
            raise DatasetError(f"{path}: {len(pictures) - len(slices)} pictures are listed twice. Fetch it again.")
        return cls(path, np.concatenate([_rows(())[:0], *(rows for _, rows in pictures)]), slices)

    def __contains__(self, name: object) -> bool:
        return name in self._slices

    def of(self, name: str) -> Segments:
        """The segments of one picture.

        Raises:
            DatasetError: the JSON does not list it.
        """
        if name not in self._slices:
            raise DatasetError(f"{self.path} does not describe {name}. Fetch both again: they come in one archive.")
        identity, category, area, single, position = self._rows[self._slices[name]].T
        return Segments(identity, category, area, single.astype(bool), position)


def _rows(segments: Iterable[Mapping[str, Any]]) -> NDArray[np.int32]:
    """(S, 5) int32: the segments by ascending id, behind "no segment"."""
    rows = [
        (int(one["id"]), int(one["category_id"]), int(one.get("area", _NO_AREA)), int(not one.get("iscrowd", 0)), place)
        for place, one in enumerate(segments)
    ]
    return np.array([(0, 0, _NO_AREA, 0, -1), *sorted(rows)], np.int32)


def _check(path: Path, name: str, rows: NDArray[np.int32], categories: set[int]) -> None:
    """Refuse ids and categories that no map can hold."""
    ids = rows[:, 0]
    again = ids[1:][ids[1:] == ids[:-1]].tolist()
    if again:
        raise DatasetError(f"{path}: segments_info of {name} lists id {again[0]} twice (0 always means no segment).")
    if not 0 <= ids.min() <= ids.max() <= _HIGHEST_ID:
        raise DatasetError(f"{path}: segments_info of {name}: ids {ids.min()} to {ids.max()}, not 1 to {_HIGHEST_ID}.")
    known = categories & set(range(1, RAW_IDS))
    foreign = [category for category in rows[1:, 1].tolist() if category not in known]
    if foreign:
        raise DatasetError(
            f"{path}: segments_info of {name} has category_id {foreign[0]}, which is not among the {len(categories)} "
            f"`categories`, or not in 1..{RAW_IDS - 1}."
        )
    most = np.bincount(rows[1:, 1], weights=rows[1:, 3], minlength=1).max()
    if most > INSTANCES_PER_CLASS:
        raise DatasetError(f"{path}: {name} has {most:.0f} instances of one class, more than {INSTANCES_PER_CLASS}.")
