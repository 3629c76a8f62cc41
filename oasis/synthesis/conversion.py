"""Conversion of maps of a known kind to raw class ids and instanceIds."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oasis.data.files.id_maps import Pixels
from oasis.data.files.meaning import TRAIN_IDS, has_cityscapes_ids
from oasis.data.panoptic import PanopticMap
from oasis.data.panoptic.class_names import Occurring, correspondence, void_id
from oasis.data.panoptic.coco_segments import Segments, ids_of
from oasis.data.panoptic.grey import PanopticIdsFormat
from oasis.errors import ConfigurationError, DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_INSTANCES
from oasis.labels import LabelSpace
from oasis.synthesis.formats import MapKind, raw_things, speak_for_themselves
from oasis.synthesis.palette import Palette

_VOID = 255  # of train ids


class Converted(NamedTuple):
    """A map as training has it.

    label: (H, W) uint8 raw class ids; instance: (H, W) int32 raw instance ids, or None if the map has no
    instances; remarks: notes about the conversion; replaced: see `LabelMap`.
    """

    label: NDArray[np.uint8]
    instance: NDArray[np.int32] | None
    remarks: tuple[str, ...] = ()
    replaced: Mapping[str, int] = MappingProxyType({})


class Described(NamedTuple):
    """What the ids of a COCO panoptic map are.

    segments: its segments; categories: the name of each `category_id`, empty if they are raw class ids; source: of
    the list, for messages; replaced: category by name -> class by name, see `correspondence`.
    """

    segments: Segments
    categories: Mapping[int, str]
    source: str
    replaced: Mapping[str, str] = MappingProxyType({})


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
        raise ConfigurationError(
            f"{pixels.source}: kind={MapKind.TRAIN_IDS} is Cityscapes', as is the name *_labelTrainIds; this model has "
            f"other classes. If the numbers are its label ids: kind={MapKind.LABEL_IDS}."
        )
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
    panoptic = PanopticMap.of_instance_ids(pixels.numbers, f"{pixels.source}: read as {MapKind.INSTANCE_IDS}")
    return Converted(panoptic.label, panoptic.instance)


def _from_panoptic_ids(pixels: Pixels, space: LabelSpace, _: Described | None) -> Converted:
    source = f"{pixels.source}: read as {MapKind.PANOPTIC_IDS}"
    panoptic = PanopticIdsFormat(space).understand(pixels.numbers, source)
    numbered = int(((pixels.numbers % INSTANCES_PER_CLASS > 0) & ~panoptic.is_single).sum())
    remark = f"{numbered} pixels of classes without individuals are numbered: their numbers are left out"
    return Converted(panoptic.label, panoptic.instance, (remark,) if numbered else ())


def _from_coco(pixels: Pixels, space: LabelSpace, described: Described | None) -> Converted:
    ids = ids_of(pixels.colors)
    if described is None:
        return _without_list(ids, pixels.source, space)
    segments = described.segments
    place = segments.locate(ids, pixels.source, described.source)
    classes, renamed, remarks = _classes(described, place, space, pixels.source)
    nothing = void_id(space, int((place == 0).sum()), pixels.source)
    raw = np.array([nothing, *(classes[category] for category in segments.category[1:].tolist())], np.int32)
    single = segments.is_single & np.isin(raw, list(raw_things(space)))
    instances = segments.instance_ids(raw, single, described.source)
    return Converted(raw[place].astype(np.uint8), instances[place], remarks, renamed)


def _without_list(ids: NDArray[np.int32], source: str, space: LabelSpace) -> Converted:
    if not speak_for_themselves(ids, space):
        raise DatasetError(
            f"{source}: a COCO panoptic map needs the list that says what its ids are: put the JSON beside it, under "
            "the name of the picture or of its folder, or give segments=..."
        )
    nothing = void_id(space, int((ids == 0).sum()), source)
    ids = np.where(ids == 0, nothing, np.where(ids == RAW_INSTANCES, 0, ids))  # as `COCOFormat` writes class 0
    panoptic = PanopticMap.of_instance_ids(ids, source)
    return Converted(panoptic.label, panoptic.instance, ("no JSON beside it: its ids are read as instanceIds",))


def _classes(
    described: Described, place: NDArray[np.intp], space: LabelSpace, source: str
) -> tuple[Mapping[int, int], Mapping[str, int], tuple[str, ...]]:
    """The raw class id of each category that occurs; what is called otherwise, see `correspondence`; and remarks.

    Raises:
        DatasetError: a category, or its name, is no class of the label space.
    """
    segments = described.segments
    used = [int(category) for category in np.unique(segments.category[1:])]
    if described.categories:
        counts = np.bincount(place.reshape(-1), minlength=len(segments.id))
        occurring = [
            Occurring(described.categories[each], each, int(counts[1:][segments.category[1:] == each].sum()))
            for each in used
        ]
        return *correspondence(occurring, space, described.replaced, source), ()
    trained = _are_train_ids(segments)
    classes = TRAIN_IDS if trained else {raw: raw for raw in range(len(space.raw_to_class))}
    foreign = [category for category in used if category not in classes]
    if foreign:
        raise DatasetError(f"{described.source}: category_id {foreign[0]} is no raw class id, 0 to 255.")
    return classes, {}, ("its categories are train ids",) if trained else ()


def _are_train_ids(segments: Segments) -> bool:
    """Whether `category_id` are train ids: if so, they contradict the ids of cityscapesscripts, which have raw ids."""
    raws = np.where(segments.id >= INSTANCES_PER_CLASS, segments.id // INSTANCES_PER_CLASS, segments.id)
    pairs = [*zip(raws[1:].tolist(), segments.category[1:].tolist(), strict=True)]
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
