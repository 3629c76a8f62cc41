"""Conversion of maps of a known kind to raw class ids and instanceIds."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oasis.data import panoptic_ids
from oasis.data.id_maps import Pixels
from oasis.data.meaning import has_cityscapes_ids
from oasis.data.panoptic_ids import TRAIN_IDS
from oasis.data.panoptic_ids import Segment as SegmentInfo
from oasis.errors import ConfigurationError, DatasetError
from oasis.label_files import INSTANCES_PER_CLASS
from oasis.labels import LabelSpace
from oasis.synthesis.formats import MapKind, coco_ids, raw_things, speak_for_themselves
from oasis.synthesis.palette import Palette

_VOID = 255  # of train ids


class Converted(NamedTuple):
    """A map in the format of Cityscapes' files.

    label: (H, W) uint8 raw class ids; instance: (H, W) uint16 instanceIds, or None if the map has no
    instances; remarks: notes about the conversion.
    """

    label: NDArray[np.uint8]
    instance: NDArray[np.uint16] | None
    remarks: tuple[str, ...] = ()


Converter = Callable[[Pixels, LabelSpace, Sequence[SegmentInfo] | None], Converted]


def convert(
    kind: MapKind, pixels: Pixels, space: LabelSpace, segments: Sequence[SegmentInfo] | None = None
) -> Converted:
    """Convert pixels of one kind of map.

    Args:
        kind: of the map.
        pixels: decoded.
        space: the label space, with things and colours.
        segments: describes each id of a COCO panoptic map; None = the ids are instanceIds.

    Raises:
        DatasetError: the pixels cannot be of this kind.
    """
    wants_colors = kind in (MapKind.COCO_PANOPTIC, MapKind.COLORS)
    if wants_colors and pixels.palette is not None:
        pixels = Pixels(pixels.palette[_within(pixels)], pixels.source, pixels.path)
    if wants_colors != pixels.are_colors:
        found, wanted = ("RGB", "numbers (H, W)") if pixels.are_colors else ("numbers (H, W)", "RGB")
        raise DatasetError(f"{pixels.source}: its pixels are {found}, but a map of kind={kind} has {wanted}.")
    try:
        return _CONVERTERS[kind](pixels, space, segments)
    except DatasetError as error:
        if pixels.source in str(error):
            raise
        raise DatasetError(f"{pixels.source}: read as {kind}: {error}") from error


def _from_label_ids(pixels: Pixels, space: LabelSpace, _: Sequence[SegmentInfo] | None) -> Converted:
    highest = int(pixels.values.max())
    if highest > 255:
        raise DatasetError(f"{pixels.source}: ids up to {highest}, but label ids end at 255.")
    return Converted(pixels.values.astype(np.uint8), None)


def _from_train_ids(pixels: Pixels, space: LabelSpace, _: Sequence[SegmentInfo] | None) -> Converted:
    if not has_cityscapes_ids(space):
        raise ConfigurationError(f"{pixels.source}: kind={MapKind.TRAIN_IDS} is Cityscapes', this model has others.")
    present = np.unique(pixels.values)
    strange = [number for number in present.tolist() if number not in TRAIN_IDS and number != _VOID]
    if strange:
        raise DatasetError(
            f"{pixels.source}: {', '.join(map(str, strange[:8]))}: no train ids, which are 0 to 18, and 255 for void."
        )
    table = np.zeros(256, np.uint8)
    table[list(TRAIN_IDS)] = list(TRAIN_IDS.values())
    return Converted(table[pixels.numbers], None)


def _from_instance_ids(pixels: Pixels, space: LabelSpace, _: Sequence[SegmentInfo] | None) -> Converted:
    ids = pixels.numbers
    return Converted(panoptic_ids.class_ids(ids), ids.astype(np.uint16))


def _from_panoptic_ids(pixels: Pixels, space: LabelSpace, _: Sequence[SegmentInfo] | None) -> Converted:
    # Instance numbers of stuff, as in 7001, are ignored.
    classes, number = np.divmod(pixels.numbers, INSTANCES_PER_CLASS)
    single = np.isin(classes, list(raw_things(space)))
    numbered = int(((number > 0) & ~single).sum())
    ids = panoptic_ids.from_panoptic(np.where(single, pixels.numbers, classes * INSTANCES_PER_CLASS))
    remark = f"{numbered} pixels of classes without individuals are numbered: their numbers are left out"
    return Converted(panoptic_ids.class_ids(ids), ids, (remark,) if numbered else ())


def _from_coco(pixels: Pixels, space: LabelSpace, segments: Sequence[SegmentInfo] | None) -> Converted:
    if segments is None:
        ids = coco_ids(pixels)
        if not speak_for_themselves(ids, space):
            raise DatasetError(
                f"{pixels.source}: a COCO panoptic map needs the list that says what its ids are: put the JSON beside "
                "it, under the name of the picture or of its folder, or give segments=..."
            )
        return Converted(
            panoptic_ids.class_ids(ids), ids.astype(np.uint16), ("no JSON beside it: its ids are read as instanceIds",)
        )
    _require_entries(segments, pixels.source)
    trained = _are_train_ids(segments)
    ids16 = panoptic_ids.from_coco(pixels.colors, segments, TRAIN_IDS if trained else None, raw_things(space))
    remarks = ("its categories are train ids",) if trained else ()
    return Converted(panoptic_ids.class_ids(ids16), ids16, remarks)


def _require_entries(segments: Sequence[SegmentInfo], source: str) -> None:
    for entry in segments:
        named = [entry.get(name) for name in ("id", "category_id")] if isinstance(entry, dict) else [None]
        if not all(isinstance(value, int) for value in named):
            raise DatasetError(f"{source}: segments_info holds {entry!r:.80}; each entry needs id and category_id.")


def _are_train_ids(segments: Sequence[SegmentInfo]) -> bool:
    """Whether `category_id` are train ids: if so, they contradict the ids of cityscapesscripts, which have raw ids."""
    pairs = [
        (s["id"] // INSTANCES_PER_CLASS if s["id"] >= INSTANCES_PER_CLASS else s["id"], s["category_id"])
        for s in segments
    ]
    same = all(raw == category for raw, category in pairs)
    return not same and all(TRAIN_IDS.get(category) == raw for raw, category in pairs)


def _from_colors(pixels: Pixels, space: LabelSpace, _: Sequence[SegmentInfo] | None) -> Converted:
    label, remarks = Palette.of(space).read(pixels.colors, pixels.source)
    return Converted(label, None, remarks)


def _within(pixels: Pixels) -> NDArray[np.int64]:
    """Numbers of a picture of mode P, checked against its palette."""
    count = 0 if pixels.palette is None else len(pixels.palette)
    highest = int(pixels.values.max())
    if highest >= count:
        raise DatasetError(f"{pixels.source}: number {highest} has no colour, the palette has {count}.")
    return pixels.numbers


_CONVERTERS: dict[MapKind, Converter] = {
    MapKind.LABEL_IDS: _from_label_ids,
    MapKind.TRAIN_IDS: _from_train_ids,
    MapKind.INSTANCE_IDS: _from_instance_ids,
    MapKind.PANOPTIC_IDS: _from_panoptic_ids,
    MapKind.COCO_PANOPTIC: _from_coco,
    MapKind.COLORS: _from_colors,
}
