"""Conversion of maps of a known kind to raw class ids and instanceIds."""

from collections.abc import Callable, Mapping, Sequence
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
_HIGHEST_WITH_INDIVIDUALS = 64  # 65 * 1000 + 999 does not fit into the 16 bits of instanceIds


class Converted(NamedTuple):
    """A map in the format of Cityscapes' files.

    label: (H, W) uint8 raw class ids; instance: (H, W) uint16 instanceIds, or None if the map has no
    instances; remarks: notes about the conversion.
    """

    label: NDArray[np.uint8]
    instance: NDArray[np.uint16] | None
    remarks: tuple[str, ...] = ()


class Described(NamedTuple):
    """What the ids of a COCO panoptic map are.

    segments: its `segments_info`; categories: the name of each `category_id`, None if they are raw class ids.
    """

    segments: Sequence[SegmentInfo]
    categories: Mapping[int, str] | None = None


Converter = Callable[[Pixels, LabelSpace, Described | None], Converted]


def convert(kind: MapKind, pixels: Pixels, space: LabelSpace, segments: Described | None = None) -> Converted:
    """Convert pixels of one kind of map.

    Args:
        kind: of the map.
        pixels: decoded.
        space: the label space, with things and colours.
        segments: what the ids of a COCO panoptic map are; None = they are instanceIds.

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


def _from_label_ids(pixels: Pixels, space: LabelSpace, _: Described | None) -> Converted:
    highest = int(pixels.values.max())
    if highest > 255:
        raise DatasetError(f"{pixels.source}: ids up to {highest}, but label ids end at 255.")
    return Converted(pixels.values.astype(np.uint8), None)


def _from_train_ids(pixels: Pixels, space: LabelSpace, _: Described | None) -> Converted:
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


def _from_instance_ids(pixels: Pixels, space: LabelSpace, _: Described | None) -> Converted:
    ids = pixels.numbers
    return Converted(panoptic_ids.class_ids(ids), ids.astype(np.uint16))


def _from_panoptic_ids(pixels: Pixels, space: LabelSpace, _: Described | None) -> Converted:
    # Instance numbers of stuff, as in 7001, are ignored.
    classes, number = np.divmod(pixels.numbers, INSTANCES_PER_CLASS)
    single = np.isin(classes, list(raw_things(space)))
    numbered = int(((number > 0) & ~single).sum())
    ids = panoptic_ids.from_panoptic(np.where(single, pixels.numbers, classes * INSTANCES_PER_CLASS))
    remark = f"{numbered} pixels of classes without individuals are numbered: their numbers are left out"
    return Converted(panoptic_ids.class_ids(ids), ids, (remark,) if numbered else ())


def _from_coco(pixels: Pixels, space: LabelSpace, described: Described | None) -> Converted:
    if described is None:
        ids = coco_ids(pixels)
        if not speak_for_themselves(ids, space):
            raise DatasetError(
                f"{pixels.source}: a COCO panoptic map needs the list that says what its ids are: put the JSON beside "
                "it, under the name of the picture or of its folder, or give segments=..."
            )
        return Converted(
            panoptic_ids.class_ids(ids), ids.astype(np.uint16), ("no JSON beside it: its ids are read as instanceIds",)
        )
    segments, categories = described
    _require_entries(segments, pixels.source)
    trained = categories is None and _are_train_ids(segments)
    class_of = TRAIN_IDS if trained else None
    if categories is not None:
        class_of = _classes_by_name(segments, categories, space, pixels.source)
    raws = {
        segment["category_id"] if class_of is None else class_of.get(segment["category_id"], -1) for segment in segments
    }
    without_room = sorted(raw for raw in raws & raw_things(space) if not 1 <= raw <= _HIGHEST_WITH_INDIVIDUALS)
    things = frozenset[int]() if without_room else raw_things(space)
    ids16 = panoptic_ids.from_coco(pixels.colors, segments, class_of, things)
    remarks = ["its categories are train ids"] if trained else []
    if without_room:
        names = ", ".join(space.names[space.raw_to_class[raw]] for raw in without_room)
        remarks.append(f"individuals are left out: instance ids have no room for those of {names}")
    nothing = coco_ids(pixels) == 0
    label = np.where(nothing, _void(space), panoptic_ids.class_ids(ids16)).astype(np.uint8)
    instance = None if without_room else np.where(nothing, label, ids16).astype(np.uint16)
    return Converted(label, instance, tuple(remarks))


def _classes_by_name(
    segments: Sequence[SegmentInfo], categories: Mapping[int, str], space: LabelSpace, source: str
) -> dict[int, int]:
    """The raw class id of each category that occurs, by its name.

    Raises:
        DatasetError: a category without a name, or of a name that is no class of the label space.
    """
    used = sorted({segment["category_id"] for segment in segments})
    nameless = [str(category) for category in used if category not in categories]
    if nameless:
        raise DatasetError(f"{source}: category_id {', '.join(nameless[:8])} is in no entry of the JSON's categories.")
    raw = {space.names[index]: raw for raw, index in reversed([*enumerate(space.raw_to_class)]) if index >= 0}
    unknown = [categories[category] for category in used if categories[category] not in raw]
    if unknown:
        raise DatasetError(
            f"{source}: the categories {', '.join(unknown[:12])} are no classes of this model. Its maps are of another "
            f"dataset, or these are merged: replace them in the map and its JSON by classes of the model, such as "
            f"{', '.join(space.names[:5])}."
        )
    return {category: raw[categories[category]] for category in used}


def _void(space: LabelSpace) -> int:
    """The raw id for pixels of nothing: 0 where it is ignored, else the lowest ignored one; 0 if there is none."""
    ignored = [raw for raw, index in enumerate(space.raw_to_class) if index == space.ignore_index]
    return ignored[0] if ignored else 0


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


def _from_colors(pixels: Pixels, space: LabelSpace, _: Described | None) -> Converted:
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
