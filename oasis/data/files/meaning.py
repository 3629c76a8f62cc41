"""Whether the numbers of a label map mean what they seem to: ids that would be taken for others in silence."""

from pathlib import Path
from typing import Any

import numpy as np
from cityscapesscripts.helpers.labels import labels as cityscapes_labels
from numpy.typing import NDArray

from oasis.data.faults import ForeignIdsError, WrongModeError
from oasis.data.files.id_maps import Pixels, pixels_of
from oasis.data.files.opening import open_picture
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

TRAIN_IDS = {entry.trainId: entry.id for entry in cityscapes_labels if not entry.ignoreInEval}
"""Train id -> label id of Cityscapes' evaluated classes."""

CITYSCAPES_IDS = {entry.id: entry.name for entry in cityscapes_labels if entry.id >= 0}
"""Label id -> name of Cityscapes' classes."""

_HIGHEST_TRAIN_ID = 18
# What fills a street in train ids: sidewalk, building, sky, car. As label ids they are the ego vehicle, the
# rectification border, rail tracks and fences.
_MUCH_IN_TRAIN_IDS = (1, 2, 10, 13)
# What fills a street in label ids: road, building. As train ids they are traffic signs and persons.
_MUCH_IN_LABEL_IDS = (7, 11)
_HIGHEST_UNLABELLED = 3  # label ids 0 to 3: unlabelled, ego vehicle, border, out of the region; maps of test splits
_FEWEST = 4  # ids in a street; with fewer, as in a sketch, both readings are possible
_TIMES = 2


def check_label_ids(raw: NDArray[np.uint8], source: str, space: LabelSpace) -> None:
    """Raise if a label map has ids outside of the label space, or seems to hold train ids instead of label ids.

    Args:
        raw: (H, W) uint8, as in the file.
        source: its name in messages.
        space: the label space.

    Raises:
        DatasetError: see above.
    """
    space.check(raw, source)
    if looks_like_train_ids(raw) and has_cityscapes_ids(space):
        raise ForeignIdsError(
            f"{source}: its ids, {_listing(raw)}, look like Cityscapes' *train ids* (0 is road), not label ids (7 is "
            "road): all are at most 18, as a segmenter writes them. Say so with kind=train_ids (`oasis generate --kind "
            "train_ids`), or name the file *_labelTrainIds.png; for training, data.label_suffix=labelTrainIds reads "
            "files of that name."
        )


def check_label_file(raw: NDArray[np.uint8], path: Path, space: LabelSpace) -> None:
    """`check_label_ids`, and, for a picture of mode P, whether its colours contradict its numbers.

    Raises:
        DatasetError: see above.
    """
    try:
        with open_picture(path, raw.size) as picture:
            indexed = pixels_of(picture, str(path), path) if picture.mode == "P" else None
    except DatasetError:  # a dataset whose label maps are no pictures, but were read
        indexed = None
    if indexed is not None and stands_for_colors(indexed, space):
        raise WrongModeError(
            f"{path}: mode P, whose colours are those of classes, but whose numbers are not the ids of these classes. "
            "Training reads numbers: convert the map with oasis.synthesis.open_label_map and write its label."
        )
    check_label_ids(raw, str(path), space)


def looks_like_train_ids(raw: NDArray[np.uint8]) -> bool:
    """Whether the ids of a street are train ids, by which of them fill the picture.

    Train ids are 0 to 18; their void, 255, is in no label space of Cityscapes. A genuine map of label ids whose ids
    all are in that range shows roads and buildings, 7 and 11; one of train ids shows sidewalks, buildings, sky or cars,
    which would be ego vehicles, borders, rail tracks and fences.

    Args:
        raw: (H, W) uint8.
    """
    if raw.max(initial=0) > _HIGHEST_TRAIN_ID:
        return False
    counts = np.bincount(raw.reshape(-1), minlength=_HIGHEST_TRAIN_ID + 1)
    present = np.flatnonzero(counts)
    if len(present) < _FEWEST or present[-1] <= _HIGHEST_UNLABELLED:
        return False
    return bool(counts[list(_MUCH_IN_TRAIN_IDS)].sum() > _TIMES * counts[list(_MUCH_IN_LABEL_IDS)].sum())


def stands_for_colors(pixels: Pixels, space: LabelSpace) -> bool:
    """Whether the numbers of a picture with a palette mean nothing but their colours.

    All its colours are those of classes, but of other classes than its numbers; or most pixels have such colours, and
    not all numbers are class ids.

    Args:
        pixels: numbers, with or without a palette.
        space: the label space.
    """
    if pixels.palette is None:
        return False
    numbers, counts = np.unique(pixels.numbers, return_counts=True)
    if numbers[-1] >= len(pixels.palette):
        return False
    colors = {*space.palette, *cityscapes_colors(space).values()}
    known = np.array([tuple(color) in colors for color in pixels.palette[numbers].tolist()])
    are_ids = bool((np.asarray(space.raw_to_class)[numbers] >= 0).all())
    if known.all():
        return not (are_ids and (pixels.has_equal_channels or _has_own_colors(pixels, numbers, space)))
    return not are_ids and bool(counts[known].sum() * 2 > counts.sum())


def cityscapes_colors(space: LabelSpace) -> dict[int, tuple[int, int, int]]:
    """Raw id -> colour of Cityscapes' classes in the label space, void ones too; empty for another dataset's."""
    if not has_cityscapes_ids(space):
        return {}
    return {entry.id: entry.color for entry in cityscapes_labels if entry.id >= 0 and space.raw_to_class[entry.id] >= 0}


def has_cityscapes_ids(space: LabelSpace) -> bool:
    """Whether the raw ids are those of Cityscapes."""
    theirs = {entry.name: entry.id for entry in cityscapes_labels}
    pairs = ((raw, index) for raw, index in enumerate(space.raw_to_class) if index not in (-1, space.ignore_index))
    return all(theirs.get(space.names[index]) == raw for raw, index in pairs)


def _has_own_colors(pixels: Pixels, numbers: NDArray[np.int64], space: LabelSpace) -> bool:
    """Whether every number, all of them raw ids, has the colour of its class."""
    assert pixels.palette is not None
    published = cityscapes_colors(space)
    shown = zip(numbers.tolist(), pixels.palette[numbers].tolist(), strict=True)
    return all(
        tuple(color) in (space.palette[space.raw_to_class[number]], published.get(number)) for number, color in shown
    )


def _listing(raw: NDArray[Any]) -> str:
    counts = np.bincount(raw.reshape(-1))
    largest = np.argsort(-counts, kind="stable")[:4].tolist()
    return ", ".join(f"{i} ({counts[i]} pixels)" for i in largest if counts[i])
