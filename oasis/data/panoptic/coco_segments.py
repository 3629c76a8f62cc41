"""The segments of one COCO panoptic map, and their place in its picture.

With `oasis.data.panoptic.coco_index`, the only reader of such maps: for training, `oasis convert` and `oasis generate`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import index
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from oasis.data.faults import ContradictionError
from oasis.data.panoptic.base import first_instances
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS

COCO_MAP = "a COCO panoptic map (id = R + 256 G + 65536 B)"
"""What such a picture is, for messages."""

_HIGHEST_ID = 2**24 - 1
_NO_AREA = -1
_ADVICE = "The two do not belong together, or one was edited: restore the originals."


def ids_of(colors: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The ids of a picture.

    Args:
        colors: (H, W, 3) uint8.

    Returns:
        (H, W) int32, R + 256 G + 65536 B.
    """
    channels = colors.astype(np.int32)
    return channels[:, :, 0] | channels[:, :, 1] << 8 | channels[:, :, 2] << 16


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

    @classmethod
    def of(cls, segments_info: Iterable[Mapping[str, Any]], source: str) -> Self:
        """The segments of a list.

        Args:
            segments_info: as in the JSON; `id`, `category_id`, `area` and `iscrowd` are read, the last two if present.
            source: of the list, for messages.

        Raises:
            DatasetError: an entry without integers; an id twice, or not in 1..2**24 - 1; over 1000 of one category.
        """
        try:
            rows = rows_of(segments_info)
        except (ValueError, KeyError, TypeError, OverflowError, AttributeError) as error:
            raise DatasetError(
                f"{source}: segments_info whose entries are not integers id and category_id, and area and iscrowd if "
                f"known ({type(error).__name__}: {error})."
            ) from error
        check_rows(source, rows, None)
        return cls.from_rows(rows)

    @classmethod
    def from_rows(cls, rows: NDArray[np.int32]) -> Self:
        """The segments of the rows that `rows_of` returns."""
        identity, category, area, single, position = rows.T
        return cls(identity, category, area, single.astype(bool), position)

    def locate(self, ids: NDArray[np.int32], picture: str, described: str) -> NDArray[np.intp]:
        """Find the segment of each pixel.

        Args:
            ids: (H, W) int32, see `ids_of`.
            picture: its name, for messages.
            described: name of the JSON, for messages.

        Returns:
            (H, W), the position of each pixel's segment among these.

        Raises:
            ContradictionError: an id without a segment, a segment without pixels, or one of another area.
        """
        place = np.searchsorted(self.id, ids).clip(max=len(self.id) - 1)
        foreign = self.id[place] != ids
        if foreign.any():
            raise ContradictionError(
                f"{picture}: ids without a segment in {described}: {_listing(np.unique(ids[foreign]))}. {_ADVICE}"
            )
        found = np.bincount(place.reshape(-1), minlength=len(self.id))
        missing = (found == 0) & (self.id > 0)
        if missing.any():
            raise ContradictionError(
                f"{picture}: no pixels of segments in {described}: {_listing(self.id[missing])}. {_ADVICE}"
            )
        other = (self.area >= 0) & (self.area != found)
        if other.any():
            first = int(np.flatnonzero(other)[0])
            raise ContradictionError(
                f"{picture}: segment {self.id[first]} has {found[first]} pixels, but area {self.area[first]} in "
                f"{described}; {other.sum()} segments differ. {_ADVICE}"
            )
        return place

    def instance_ids(self, raw: NDArray[np.int32], single: NDArray[np.bool_], source: str) -> NDArray[np.int32]:
        """Raw instance ids.

        An id that already is `class id * 1000 + k` of its class is kept, as in maps that cityscapesscripts wrote.
        The others get the lowest free k of their class, in the order of `segments_info`.

        Args:
            raw: (S,) int32, the raw class id of each segment.
            single: (S,) bool, which are single instances.
            source: of the list, for messages.

        Returns:
            (S,) int32: `class id * 1000 + k` (256 for class 0) of instances, the plain class id of the others.

        Raises:
            DatasetError: more than 1000 instances of a class.
        """
        base = first_instances(raw)
        kept = single & (base <= self.id) & (self.id < base + INSTANCES_PER_CLASS)
        instances = np.where(kept, self.id, raw).astype(np.int32)
        taken, free = set(self.id[kept].tolist()), {int(first): int(first) for first in base}
        order = np.argsort(self.position, kind="stable")
        for row in order[(single & ~kept)[order]].tolist():
            first = int(base[row])
            while free[first] in taken:
                free[first] += 1
            if free[first] >= first + INSTANCES_PER_CLASS:
                raise DatasetError(f"{source}: more than {INSTANCES_PER_CLASS} instances of class {raw[row]}.")
            instances[row] = free[first]
            taken.add(free[first])
        return instances


def rows_of(segments: Iterable[Mapping[str, Any]]) -> NDArray[np.int32]:
    """(S, 5) int32: the segments by ascending id, behind "no segment"."""
    rows = [
        (
            index(one["id"]),
            index(one["category_id"]),
            int(one.get("area", _NO_AREA)),
            int(not one.get("iscrowd", 0)),
            place,
        )
        for place, one in enumerate(segments)
    ]
    return np.array([(0, 0, _NO_AREA, 0, -1), *sorted(rows)], np.int32)


def check_rows(source: str, rows: NDArray[np.int32], categories: Mapping[int, str] | None) -> None:
    """Refuse ids that no picture can hold, and categories without a name, if any have one."""
    ids = rows[:, 0]
    again = ids[1:][ids[1:] == ids[:-1]].tolist()
    if again:
        raise DatasetError(f"{source} lists id {again[0]} twice (0 always means no segment).")
    if not 0 <= ids.min() <= ids.max() <= _HIGHEST_ID:
        raise DatasetError(f"{source}: ids {ids.min()} to {ids.max()}, not 1 to {_HIGHEST_ID}.")
    foreign = [category for category in rows[1:, 1].tolist() if categories and category not in categories]
    if categories and foreign:
        raise DatasetError(
            f"{source} has category_id {foreign[0]}, which is not among the {len(categories)} `categories`."
        )
    most = np.unique(rows[rows[:, 3] > 0, 1], return_counts=True)[1].max(initial=0)
    if most > INSTANCES_PER_CLASS:
        raise DatasetError(f"{source}: {most} instances of one class, more than {INSTANCES_PER_CLASS}.")


def _listing(ids: NDArray[np.int32]) -> str:
    return ", ".join(map(str, ids[:5].tolist())) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
