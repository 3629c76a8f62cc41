"""The files of panoptic maps; their ids are described in `oasis.data.panoptic_ids`.

instanceIds are read by `oasis.data.reading`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.data import reading
from oasis.data.opening import open_picture, pixels
from oasis.data.panoptic_ids import Segment
from oasis.errors import DatasetError


def read_panoptic_ids(path: Path) -> NDArray[np.int32]:
    """A 16-bit grey picture of panoptic ids, `class id * 1000 + instance`.

    Returns:
        (H, W) int32.

    Raises:
        DatasetError: the file cannot be decoded or is not a 16-bit grey picture.
    """
    return reading.read_instance_ids(path).astype(np.int32)


def write_ids(path: Path, ids: NDArray[np.integer[Any]]) -> None:
    """Write a map of ids as a grey picture: of 8 bits where `ids` is uint8, else of 16.

    For label maps, instanceIds and panoptic ids.

    Args:
        path: the PNG to write.
        ids: (H, W) integers 0..65535.

    Raises:
        DatasetError: ids that do not fit into 16 bits.
    """
    if ids.dtype != np.uint8:
        if ids.size and not 0 <= ids.min() <= ids.max() <= 65535:
            raise DatasetError(
                f"{path}: ids {ids.min()} to {ids.max()} do not fit into a 16-bit PNG, which ends at 65535. Classes "
                "above 65 can only be written as a COCO panoptic map."
            )
        ids = ids.astype(np.uint16)
    Image.fromarray(ids).save(path)


def read_coco(path: Path) -> NDArray[np.uint8]:
    """The picture of a COCO panoptic map.

    Returns:
        (H, W, 3) uint8.

    Raises:
        DatasetError: the file cannot be decoded or is not an RGB picture.
    """
    with open_picture(path) as picture:
        if picture.mode != "RGB":
            raise DatasetError(
                f"{path}: mode {picture.mode}, but a COCO panoptic map is an RGB picture, id = R + 256 G + 65536 B. "
                "Grey pictures of 16 bits are instanceIds or panoptic ids."
            )
        return pixels(picture, path).astype(np.uint8)


def write_coco(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write the picture of a COCO panoptic map.

    Args:
        path: the PNG to write; other formats may be lossy.
        picture: (H, W, 3) uint8.
    """
    Image.fromarray(picture).save(path, format="PNG")


def read_segments(path: Path) -> dict[str, list[Segment]]:
    """The lists of segments in the JSON file of COCO panoptic maps.

    Returns:
        File name of each picture -> its `segments_info`.

    Raises:
        DatasetError: the file is not such a JSON, or names files outside of its folder.
    """
    try:
        content = json.loads(path.read_text())
        segments = {entry["file_name"]: entry["segments_info"] for entry in content["annotations"]}
        for name in segments:
            _require_below(path, name)
        return segments
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file.") from None
    except DatasetError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: not the JSON of a COCO panoptic dataset, annotations with file_name and segments_info "
            f"({type(error).__name__}: {error})."
        ) from error


def read_categories(path: Path) -> dict[int, str]:
    """The names of the categories in the JSON file of COCO panoptic maps, by `category_id`; empty if it has none.

    Raises:
        DatasetError: the file is not such a JSON, or two categories have one id.
    """
    try:
        entries = [(entry["id"], entry["name"]) for entry in json.loads(path.read_text()).get("categories") or ()]
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path}: its categories are not those of COCO, each with id and name ({type(error).__name__}: {error})."
        ) from error
    if len(dict(entries)) < len(entries):
        raise DatasetError(f"{path}: two of its categories have one id.")
    return dict(entries)


def write_segments(path: Path, segments: Mapping[str, Sequence[Segment]]) -> None:
    """Write the JSON file of COCO panoptic maps; `image_id` is the file name without its ending.

    Args:
        path: the JSON to write.
        segments: file name of each picture -> its `segments_info`.
    """
    annotations = [
        {"image_id": Path(name).stem, "file_name": name, "segments_info": list(entries)}
        for name, entries in segments.items()
    ]
    path.write_text(json.dumps({"annotations": annotations}))


def _require_below(path: Path, name: str) -> None:
    """Refuse a name that would lead out of its folder."""
    if not name or PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise DatasetError(f"{path}: file_name {name!r} is no name of a picture below the folder of the pictures.")
