"""The kinds of label maps, and their detection."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from oasis.data.files.id_maps import Pixels
from oasis.data.files.meaning import stands_for_colors
from oasis.data.panoptic.base import class_of
from oasis.data.panoptic.coco_segments import ids_of
from oasis.errors import ConfigurationError, DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_INSTANCES
from oasis.labels import LabelSpace
from oasis.synthesis.palette import Palette

_HIGHEST_CLASS = 255


class MapKind(StrEnum):
    """The kind of a map's pixels, read as training and `oasis convert` read them.

    The k-th thing of a class is number k of instanceIds, and number k + 1 of panoptic ids, whose 0 is none; a group
    region, things that could not be told apart, has the plain class id, or number 0.
    """

    LABEL_IDS = "label_ids"
    """Grey, the raw class id of each pixel: labelIds of Cityscapes."""

    TRAIN_IDS = "train_ids"
    """Grey, Cityscapes' 19 train ids, 255 for void, as written by segmenters. Not seen in the pixels: the kind is
    given, or the file is called `*_labelTrainIds`."""

    INSTANCE_IDS = "instance_ids"
    """Grey of 16 or 32 bits, class id * 1000 + k for things (256 for class 0), else the class id: instanceIds."""

    PANOPTIC_IDS = "panoptic_ids"
    """Grey of 16 or 32 bits, class id * 1000 + instance everywhere, instance 0 = none."""

    COCO_PANOPTIC = "coco_panoptic"
    """RGB, id = R + 256 G + 65536 B, and a JSON that describes each id."""

    COLORS = "colors"
    """RGB, one colour per class."""

    @classmethod
    def _missing_(cls, value: object) -> "MapKind":
        raise ConfigurationError(f"kind={value}: no kind of label map; choose one of {', '.join(cls)}.")


def tell_kind(pixels: Pixels, space: LabelSpace, has_segments: bool) -> MapKind:
    """Detect the kind of a map from its pixels.

    Grey pictures and integer arrays (H, W):

    1. No number above 255: class ids, `LABEL_IDS`.
    2. A number in 1..255, which is never a panoptic id: `INSTANCE_IDS`.
    3. A number above 999 of a class without instances, such as 7000, or above 256999: `PANOPTIC_IDS`.
    4. Neither: there are only instances and 0. As `INSTANCE_IDS` counts instances from 0 and `PANOPTIC_IDS` from 1,
       the two differ only in whether class id * 1000 is an instance or a group: `INSTANCE_IDS`.

    Where class 0 has instances, numbers in 1..999 may also be panoptic ids of it, so that 1. and 2. take such a map for
    class ids or instance ids: its kind must be given.

    Pictures of mode P, numbers with a colour each: `COLORS` if the colours are the label space's, but those of other
    classes than the numbers, or most are and the numbers are not class ids; else as above.

    RGB with three equal channels: `COCO_PANOPTIC` with a list of segments; `COLORS` if the numbers are not class ids,
    but the greys are colours of the label space; else as grey pictures.

    Other RGB:

    1. A list of segments was given, or is beside the file: `COCO_PANOPTIC`.
    2. Every colour, read as R + 256 G + 65536 B, is an instanceId of the label space, and not every one is in the
       palette: `COCO_PANOPTIC` as cityscapesscripts writes it, whose ids need no list.
    3. Else `COLORS`.

    Args:
        pixels: decoded.
        space: the expected label space.
        has_segments: whether there is a list of segments for COCO ids.

    Raises:
        DatasetError: both 2. and 3. hold, so that no kind fits.
    """
    if pixels.are_colors:
        return _kind_of_colors(pixels, space, has_segments)
    if pixels.has_equal_channels and has_segments:
        return MapKind.COCO_PANOPTIC
    if stands_for_colors(pixels, space):
        return MapKind.COLORS
    return _kind_of_numbers(pixels, space)


def raw_things(space: LabelSpace) -> frozenset[int]:
    """Raw ids of the classes that have instances."""
    return frozenset(raw for raw, index in enumerate(space.raw_to_class) if index in space.things)


def speak_for_themselves(ids: NDArray[np.int32], space: LabelSpace) -> bool:
    """Whether all ids of a COCO panoptic picture are instanceIds of the label space, so that no list is needed.

    0 is no segment, not class 0.
    """
    present = np.unique(ids[ids > 0])
    is_single = (present >= INSTANCES_PER_CLASS) & (present < RAW_INSTANCES)
    single, plain = class_of(present[is_single]), present[~is_single]
    known = np.append(np.flatnonzero(np.asarray(space.raw_to_class) >= 0), RAW_INSTANCES)
    return bool(np.isin(single, _with_individuals(space)).all() and np.isin(plain, known).all())


def _kind_of_numbers(pixels: Pixels, space: LabelSpace) -> MapKind:
    ids = np.unique(pixels.numbers)
    if ids[-1] <= _HIGHEST_CLASS:
        return MapKind.LABEL_IDS
    plain = ids[(ids > 0) & (ids < INSTANCES_PER_CLASS)]
    numbered = ids[ids >= INSTANCES_PER_CLASS]
    foreign = numbered[~np.isin(class_of(numbered), _with_individuals(space)) | (numbered >= RAW_INSTANCES)]
    if plain.size and foreign.size:
        raise DatasetError(
            f"{pixels.source}: neither instanceIds, where only things have 1000 and more, but here is {foreign[0]}, "
            f"nor panoptic ids, where all but 0 have 1000 and more, but here is {plain[0]}. Is it of another dataset? "
            "Say what it is with kind=... if you know."
        )
    return MapKind.PANOPTIC_IDS if foreign.size else MapKind.INSTANCE_IDS


def _kind_of_colors(pixels: Pixels, space: LabelSpace, has_segments: bool) -> MapKind:
    if has_segments:
        return MapKind.COCO_PANOPTIC
    if not Palette.of(space).knows_all(pixels.colors) and speak_for_themselves(ids_of(pixels.colors), space):
        return MapKind.COCO_PANOPTIC
    return MapKind.COLORS


def _with_individuals(space: LabelSpace) -> list[int]:
    """Raw ids of classes that may have instance numbers, including void things, such as caravans with train ids."""
    return [raw for raw, index in enumerate(space.raw_to_class) if index in space.things or index == space.ignore_index]
