"""Reading maps of any format as a `LabelMap`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oasis.data.consistency import Maps, OnInconsistentIds, consistent_label
from oasis.data.faults import UnreadableFileError, WrongSizeError
from oasis.data.files.id_maps import MapInput, Pixels, read_pixels
from oasis.data.files.id_modes import too_few_bits
from oasis.data.files.meaning import check_label_ids, has_cityscapes_ids
from oasis.data.files.opening import MAX_PIXELS
from oasis.data.instance_maps import InstanceMaps
from oasis.data.panoptic.class_names import require_classes
from oasis.data.panoptic.coco_index import SegmentIndex, jsons_beside, read_once
from oasis.data.panoptic.coco_segments import Segments
from oasis.data.searching import stem_and_kind
from oasis.errors import DatasetError
from oasis.labels import LabelSpace
from oasis.synthesis.conversion import Converted, Described, convert
from oasis.synthesis.formats import MapKind, tell_kind
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.translation import translated

__all__ = ["MapInput", "open_label_map"]

SegmentsInfo = Sequence[Mapping[str, Any]]

_ADVICE = "the instance map alone also says which class each pixel is: give it in place of the label map."


def open_label_map(
    label_map: MapInput,
    instance_map: MapInput | None = None,
    *,
    label_space: LabelSpace,
    kind: MapKind | None = None,
    segments: SegmentsInfo | Path | None = None,
    label_space_of_input: LabelSpace | None = None,
    replaced: Mapping[str, str] = MappingProxyType({}),
    instance_format: InstanceMaps | None = None,
    max_pixels: int = MAX_PIXELS,
) -> LabelMap:
    """Read and validate a label map of any kind.

    Args:
        label_map: a PNG's path, a PIL image, or an array: integers (H, W), or RGB (H, W, 3). labelIds, instanceIds,
            panoptic ids, COCO panoptic and colour maps are detected by `tell_kind`, train ids by a file's name.
        instance_map: the instances: instanceIds, panoptic ids or COCO panoptic, of the same size. None if the label
            map has them itself, or they are unknown.
        label_space: the expected label space.
        kind: of `label_map`; None = train ids if its file is called `*_labelTrainIds`, else detected.
        segments: the `segments_info` of a COCO panoptic map, with raw class ids or train ids as `category_id`; or the
            path of the JSON; None = from `NAME.json` beside the picture, or `FOLDER.json` beside its folder. The
            `categories` of a JSON are mapped to the label space by name.
        label_space_of_input: that of the files, whose classes are found in `label_space` by their names; None =
            `label_space`, or the categories of a COCO panoptic map.
        replaced: class of the files -> class of `label_space`, for those that it does not have.
        instance_format: how the instance map is stored, one of `INSTANCE_FORMATS`; None = detected.
        max_pixels: the most pixels that a map may have; more are refused before they are decoded.

    Returns:
        The map; its `remarks` have the detected kind, and further decisions.

    Raises:
        DatasetError: a file that is missing or not a picture; pixels that are not a map, or not of this label space;
            label map and instance map of different sizes, or contradicting each other.
    """
    pixels = read_pixels(label_map, "label map", max_pixels)
    if kind is None and pixels.path is not None and stem_and_kind(pixels.path.stem)[1] == "labelTrainIds":
        kind = MapKind.TRAIN_IDS  # whose pixels cannot be distinguished from label ids
    own = label_space_of_input or label_space
    named = replaced if label_space_of_input is None else {}  # else they are read first, and replaced then
    described = _described(pixels, own, kind, segments, label_space_of_input is not None)
    by_name = label_space_of_input is None and described is not None and bool(described.categories)
    if described is not None:
        described = described._replace(replaced=named)
    require_classes(replaced, label_space, described.categories.values() if described and by_name else own.names)
    converted, taken = _understood(pixels, own, kind, described)
    if kind is None and not taken:  # plain class ids
        check_label_ids(converted.label, pixels.source, own)
    else:
        own.check(converted.label, pixels.source)
    found = LabelMap(
        converted.label, converted.instance, own, pixels.source, (*taken, *converted.remarks), converted.replaced
    )
    if instance_map is not None:
        found = _with_individuals(found, instance_map, instance_format, max_pixels)
    elif found.instance is not None:
        _require_consistent(found, found.instance, found.source)
    if own == label_space and (by_name or not replaced):
        return found
    return translated(found, label_space, {} if by_name else replaced)


def _with_individuals(
    found: LabelMap, given: MapInput, instance_format: InstanceMaps | None, max_pixels: int
) -> LabelMap:
    """The map with the instances of an instance map."""
    if instance_format is None:
        others = read_pixels(given, "instance map", max_pixels)
        source, (instance, remarks) = others.source, _individuals(others, found.label_space)
        _require_same_size(found.label, found.source, instance, source)
    elif isinstance(given, str | Path):
        source, remarks, numbers = str(given), [], instance_format.read(Path(given), max_pixels)
        _require_same_size(found.label, found.source, numbers, source)
        instance = instance_format.ids(found.label, numbers, found.label_space)
    else:
        raise DatasetError("instance map: with an instance_format, give the path of its file.")
    _require_consistent(found, instance, source)
    return replace(found, instance=instance, remarks=(*found.remarks, *remarks))


def _described(
    pixels: Pixels, space: LabelSpace, kind: MapKind | None, segments: SegmentsInfo | Path | None, is_told: bool
) -> Described | None:
    """The list of a COCO panoptic map, None for other maps.

    Raises:
        DatasetError: an invalid list, or a map that cannot have one; a list without names, of a label space that was
            not told.
    """
    is_rgb = pixels.are_colors or pixels.has_equal_channels
    if segments is not None and not is_rgb:
        told = f"{segments} describes" if isinstance(segments, Path) else "segments describe"
        raise DatasetError(f"{pixels.source}: {told} RGB pictures, but its pixels are numbers (H, W).")
    if isinstance(segments, Path):
        if not segments.is_file():
            raise UnreadableFileError(f"{segments}: no such file; it would be the JSON of {pixels.source}.")
        found: Described | None = _of_index(read_once(segments), (pixels.path or Path(pixels.source)).name)
    elif segments is not None:
        return Described(Segments.of(segments, pixels.source), {}, "segments_info")
    elif is_rgb and kind in (None, MapKind.COCO_PANOPTIC):
        found = _segments_beside(pixels.path, required=kind is not None)
    else:
        return None
    if found is not None and not (found.categories or is_told or has_cityscapes_ids(space)):
        raise DatasetError(
            f"{found.source}: names no categories, and without their names 1 may be a person as well as a bicycle. Say "
            "which classes category_id means with --label-space-of-input (label_space_of_input=...)."
        )
    return found


def _understood(
    pixels: Pixels, space: LabelSpace, kind: MapKind | None, described: Described | None
) -> tuple[Converted, list[str]]:
    """The map as training has it, with a remark if its kind was detected."""
    guessed = tell_kind(pixels, space, described is not None) if kind is None else MapKind(kind)
    # No remark for plain class ids.
    remarks = [_taken_for(guessed)] if kind is None and guessed is not MapKind.LABEL_IDS else []
    return convert(guessed, pixels, space, described), remarks


def _taken_for(kind: MapKind) -> str:
    return f"taken for {kind}"


def _individuals(pixels: Pixels, space: LabelSpace) -> tuple[NDArray[np.int32], list[str]]:
    """The raw instance ids of an instance map, and remarks."""
    converted, remarks = _understood(pixels, space, None, _described(pixels, space, None, None, is_told=False))
    if converted.instance is not None:
        said = [remark for remark in remarks if remark != _taken_for(MapKind.INSTANCE_IDS)]
        return converted.instance, [f"instance map: {remark}" for remark in (*said, *converted.remarks)]
    if pixels.are_colors or (pixels.palette is not None and not pixels.has_equal_channels):
        raise DatasetError(
            f"{pixels.source}: a map in colours, which has no instances. The instance map is a 16-bit grey "
            "picture of instanceIds or panoptic ids, or a COCO panoptic map."
        )
    if pixels.eight_bits:
        raise too_few_bits(pixels.source, f"mode {pixels.mode}" if pixels.path else f"values of {pixels.mode}")
    # Below 1000 there are no instances, which is valid if the picture has none: then these are the class ids.
    return converted.label.astype(np.int32), []


def _require_same_size(
    label: NDArray[np.uint8], label_source: str, instance: NDArray[np.int32], instance_source: str
) -> None:
    if label.shape != instance.shape:
        sizes = [f"{each.shape[1]}x{each.shape[0]}" for each in (instance, label)]
        raise WrongSizeError(
            f"{instance_source} is {sizes[0]} but {label_source} is {sizes[1]} (width x height): the two do not belong "
            "together, or one was resized. Give both in one size."
        )


def _require_consistent(found: LabelMap, instance: NDArray[np.int32], source: str) -> None:
    """Raise unless every instance is of a thing class, and of the same class in the label map."""
    maps = Maps(found.label, instance, Path(found.source), Path(source))
    consistent_label(maps, found.label_space, OnInconsistentIds.ERROR, _ADVICE)


def _segments_beside(path: Path | None, required: bool) -> Described | None:
    """The list for a picture in the JSON beside it or beside its folder, None if there is none for it.

    A JSON of another kind beside a picture is an error only if the list is required.
    """
    if path is None:
        return None
    for candidate in jsons_beside(path):
        try:
            index = read_once(candidate)
        except UnreadableFileError:
            if required:
                raise
            continue
        if path.name in index:
            return _of_index(index, path.name)
    return None


def _of_index(index: SegmentIndex, name: str) -> Described:
    return Described(index.of(name), index.categories, str(index.path))
