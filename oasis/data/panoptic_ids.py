"""Three formats of panoptic maps, and conversions between them.

They differ in how one integer per pixel encodes a class and, for things, an instance. `k` counts the instances of a
class from 0, with gaps, as in Cityscapes:

| | stuff | k-th thing | group region (things that could not be told apart) |
|---|---|---|---|
| **instanceIds** (Cityscapes, 16-bit PNG) | `id` | `id * 1000 + k` | `id` |
| **panoptic ids** (any segmenter) | `id * 1000` | `id * 1000 + k + 1` | `id * 1000` |
| **COCO panoptic** (RGB PNG, and `segments_info`) | `id` | `id * 1000 + k` | `id`, `iscrowd` 1 |

In panoptic ids, instance 0 means "no instance". So the k-th thing is instance k + 1 there: with `id * 1000 + k` the
0-th car and a group of cars would be one number. COCO panoptic stores its ids in the three bytes of a colour, red
being the lowest, and describes each id in `segments_info`. Every other format is converted from and to `instanceIds`,
without loss.

The functions take and return arrays; `oasis.data.panoptic_files` reads and writes files.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from cityscapesscripts.helpers.labels import labels as cityscapes_labels
from numpy.typing import NDArray

from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS

_HIGHEST_ID = 65535  # instanceIds have 16 bits
_HIGHEST_CLASS = 255  # label maps have 8

THINGS = frozenset(entry.id for entry in cityscapes_labels if entry.hasInstances)
"""Raw ids of the Cityscapes classes that have instances."""

LEFT_OUT = frozenset(entry.id for entry in cityscapes_labels if entry.ignoreInEval)
"""Raw ids that Cityscapes does not evaluate, and that cityscapesscripts leaves out of COCO panoptic maps."""

TRAIN_IDS = {entry.trainId: entry.id for entry in cityscapes_labels if not entry.ignoreInEval}
"""Train id -> raw id, for maps whose `category_id` are train ids, as Mask2Former's and `--use-train-id`."""

Ids = NDArray[np.integer[Any]]


class Segment(TypedDict):
    """One entry of `segments_info`, as COCO defines it: bbox is [x, y, width, height] in pixels."""

    id: int
    category_id: int
    area: int
    bbox: list[int]
    iscrowd: int


def class_ids(instance_ids: Ids) -> NDArray[np.uint8]:
    """The label map that belongs to an instance map: the raw class id of each pixel.

    Args:
        instance_ids: (H, W) integers, as in instanceIds.

    Returns:
        (H, W) uint8, as in labelIds.

    Raises:
        DatasetError: no instanceIds: outside 0..65535, or 256..999, which is neither a class nor an instance.
    """
    ids = _integers(instance_ids)
    classes = np.where(ids >= INSTANCES_PER_CLASS, ids // INSTANCES_PER_CLASS, ids)
    _refuse(ids, (ids < 0) | (ids > _HIGHEST_ID) | (classes > _HIGHEST_CLASS), "this cannot stand in instanceIds")
    return classes.astype(np.uint8)


def to_panoptic(instance_ids: Ids) -> NDArray[np.int32]:
    """From instanceIds to panoptic ids.

    Args:
        instance_ids: (H, W) integers, as in instanceIds.

    Returns:
        (H, W) int32, `class id * 1000 + instance`, instance 0 = none.

    Raises:
        DatasetError: no instanceIds; k = 999, which would run into the next class.
    """
    class_ids(instance_ids)
    ids = _integers(instance_ids)
    thing = ids >= INSTANCES_PER_CLASS
    _refuse(
        ids,
        thing & (ids % INSTANCES_PER_CLASS == INSTANCES_PER_CLASS - 1),
        "panoptic ids have room for the individuals 0 to 998 of a class",
    )
    return np.where(thing, ids + 1, ids * INSTANCES_PER_CLASS).astype(np.int32)


def from_panoptic(panoptic: Ids) -> NDArray[np.uint16]:
    """From panoptic ids to instanceIds.

    Args:
        panoptic: (H, W) integers, `class id * 1000 + instance`, instance 0 = none.

    Returns:
        (H, W) uint16, as in instanceIds.

    Raises:
        DatasetError: ids that instanceIds cannot represent: negative ones, a class above 255, an instance of class 0
            (it would be a plain class id) or of a class above 65 (16 bits).
    """
    ids = _integers(panoptic)
    classes, instance = np.divmod(ids, INSTANCES_PER_CLASS)
    _refuse(
        ids, (ids < 0) | (classes > _HIGHEST_CLASS), "panoptic ids are class id * 1000 + instance, classes 0 to 255"
    )
    wrong = (instance > 0) & ((classes == 0) | (ids - 1 > _HIGHEST_ID))
    _refuse(ids, wrong, "in the 16 bits of instanceIds only the classes 1 to 65 have individuals")
    return np.where(instance > 0, ids - 1, classes).astype(np.uint16)


def to_coco(instance_ids: Ids, left_out: Collection[int] = LEFT_OUT) -> NDArray[np.uint8]:
    """The picture of a COCO panoptic map, as `createPanopticImgs` of cityscapesscripts writes it.

    Like that script it leaves out classes that Cityscapes does not evaluate: their pixels are read back as 0. An empty
    `left_out` keeps all.

    Args:
        instance_ids: (H, W) integers, as in instanceIds.
        left_out: class ids whose pixels become 0, black.

    Returns:
        (H, W, 3) uint8, id = R + 256 G + 65536 B.

    Raises:
        DatasetError: no instanceIds.
    """
    ids = np.where(np.isin(class_ids(instance_ids), list(left_out)), 0, _integers(instance_ids))
    return np.stack([ids % 256, ids // 256, np.zeros_like(ids)], axis=-1).astype(np.uint8)


def segments_info(instance_ids: Ids, left_out: Collection[int] = LEFT_OUT) -> list[Segment]:
    """The list that belongs to `to_coco`'s picture: one entry per segment, in the order of ids.

    Args:
        instance_ids: (H, W) integers, as in instanceIds.
        left_out: class ids without an entry. Id 0 never has one: in COCO it means "nothing here".

    Returns:
        Entries whose `category_id` are raw class ids; group regions of things are marked `iscrowd`.

    Raises:
        DatasetError: no instanceIds.
    """
    classes, ids = class_ids(instance_ids), _integers(instance_ids)
    found = []
    for segment in np.unique(ids[~np.isin(classes, [0, *left_out])]).tolist():
        mask = ids == segment
        columns, rows = np.flatnonzero(mask.any(0)).tolist(), np.flatnonzero(mask.any(1)).tolist()
        category = segment // INSTANCES_PER_CLASS if segment >= INSTANCES_PER_CLASS else segment
        bbox = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
        crowd = int(segment < INSTANCES_PER_CLASS and category in THINGS)
        found.append(Segment(id=segment, category_id=category, area=int(mask.sum()), bbox=bbox, iscrowd=crowd))
    return found


def from_coco(
    picture: NDArray[np.uint8],
    segments: Sequence[Segment],
    class_of: Mapping[int, int] | None = None,
    things: Collection[int] = THINGS,
) -> NDArray[np.uint16]:
    """Convert a COCO panoptic map of any origin to instanceIds.

    An id that is an instanceId of its class is kept, so maps of `to_coco` and cityscapesscripts are restored exactly
    (except for ids they left out, which are 0). Other things get the lowest free k of their class, in the order of
    `segments`.

    Args:
        picture: (H, W, 3) uint8, id = R + 256 G + 65536 B; 0 = nothing here.
        segments: describes each id; `id`, `category_id` and `iscrowd` of each entry are read.
        class_of: raw class id of each `category_id`, e.g. `TRAIN_IDS`; None = they are raw class ids.
        things: raw ids of the classes that have instances.

    Returns:
        (H, W) uint16, as in instanceIds.

    Raises:
        DatasetError: the picture is not RGB; an id without a segment; two segments of one id; an unknown category; more
            than 1000 instances of a class.
    """
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise DatasetError(
            f"A COCO panoptic map is an RGB picture of shape (H, W, 3), not {picture.shape}. Grey 16-bit maps are "
            "instanceIds, or panoptic ids: see from_panoptic."
        )
    ids = picture.astype(np.int64) @ np.array([1, 256, 65536])
    numbers = {0: 0} | _instance_ids(segments, class_of, things)
    present, position = np.unique(ids, return_inverse=True)
    _refuse(ids, ~np.isin(ids, list(numbers)), "segments_info does not list this segment; is it another picture's?")
    return np.array([numbers[i] for i in present.tolist()], np.uint16)[position.reshape(ids.shape)]


def _instance_ids(
    segments: Sequence[Segment], class_of: Mapping[int, int] | None, things: Collection[int]
) -> dict[int, int]:
    """Segment id -> instanceId."""
    classes: dict[int, int] = {}
    for segment in segments:
        if segment["id"] in classes:
            raise DatasetError(f"segments_info lists id {segment['id']} twice; each id is one segment.")
        classes[segment["id"]] = _class(segment["category_id"], class_of)
    singles = [s["id"] for s in segments if classes[s["id"]] in things and not s.get("iscrowd")]
    numbers = {i: c for i, c in classes.items() if i not in singles}
    numbers |= {i: i for i in singles if i // INSTANCES_PER_CLASS == classes[i]}
    taken = set(numbers.values())
    free = {
        c: (n for n in range(c * INSTANCES_PER_CLASS, (c + 1) * INSTANCES_PER_CLASS) if n not in taken)
        for c in classes.values()
    }
    for i in singles:
        if i not in numbers:
            numbers[i] = next(free[classes[i]], 0)
        if not INSTANCES_PER_CLASS <= numbers[i] <= _HIGHEST_ID:
            raise DatasetError(f"Segment {i}: instanceIds have no room for another individual of class {classes[i]}.")
    return numbers


def _class(category: int, class_of: Mapping[int, int] | None) -> int:
    raw = category if class_of is None else class_of.get(category, -1)
    if not 0 <= raw <= _HIGHEST_CLASS:
        known = "0 to 255" if class_of is None else ", ".join(map(str, sorted(class_of)))
        raise DatasetError(
            f"segments_info has category_id {category}, but known are {known}. Say with class_of which raw class id "
            "each category_id means; for train ids, class_of=TRAIN_IDS."
        )
    return raw


def _integers(ids: Ids) -> NDArray[np.int64]:
    if not np.issubdtype(ids.dtype, np.integer) or ids.ndim != 2:
        raise DatasetError(
            f"A map of ids has shape (H, W) and integers, not {ids.shape} and {ids.dtype}. An RGB picture is a COCO "
            "panoptic map (see from_coco), or a colour map, which has no ids."
        )
    return ids.astype(np.int64)


def _refuse(ids: NDArray[np.int64], wrong: NDArray[np.bool_], why: str) -> None:
    """Raise if any pixel is wrong, naming the ids and how many pixels have them."""
    if wrong.any():
        values, counts = np.unique(ids[wrong], return_counts=True)
        listing = ", ".join(f"{v} ({n} pixels)" for v, n in zip(values[:8], counts[:8], strict=True))
        raise DatasetError(f"Panoptic map: ids {listing}{', ...' if len(values) > 8 else ''}: {why}.")
