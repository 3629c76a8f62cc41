"""The JSON of COCO panoptic maps."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Self

import numpy as np
from numpy.typing import NDArray

from oasis.data.faults import UnreadableFileError
from oasis.data.panoptic.coco_segments import Segments, check_rows, rows_of
from oasis.errors import DatasetError


class SegmentIndex:
    """The segments of all pictures, as arrays: the lists of the training split of COCO would take gigabytes.

    Args:
        path: of the JSON.
        categories: name of each `category_id`; empty if the JSON lists none.
        rows: (N, 5) int32, the segments of all pictures one after the other.
        slices: file name of each picture -> its rows.
    """

    def __init__(
        self, path: Path, categories: Mapping[int, str], rows: NDArray[np.int32], slices: Mapping[str, slice]
    ) -> None:
        self.path = path
        self.categories = categories
        self._rows = rows
        self._slices = slices

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the JSON.

        Raises:
            UnreadableFileError: no such file, or not the JSON of COCO panoptic maps.
            DatasetError: an id, a category or a picture is listed twice; a category that is not among `categories`; a
                picture outside of the folder.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            names = [(int(entry["id"]), str(entry["name"])) for entry in content.get("categories") or ()]
            pictures = [(str(one["file_name"]), rows_of(one["segments_info"])) for one in content["annotations"]]
        except OSError as error:
            raise UnreadableFileError(f"{path}: cannot be read ({error.strerror}); it comes with the maps.") from error
        except (ValueError, KeyError, TypeError, OverflowError, AttributeError) as error:
            raise UnreadableFileError(
                f"{path}: not the JSON of a COCO panoptic dataset, with categories, and annotations with file_name and "
                f"segments_info ({type(error).__name__}: {error}). Fetch it again."
            ) from error
        categories = dict(names)
        if len(categories) < len(names):
            raise DatasetError(f"{path}: two of its categories have one id. Fetch it again.")
        for name, rows in pictures:
            _require_below(path, name)
            check_rows(f"{path}: segments_info of {name}", rows, categories)
        ends = np.cumsum([len(rows) for _, rows in pictures]).tolist()
        slices = {name: slice(end - len(rows), end) for (name, rows), end in zip(pictures, ends, strict=True)}
        if len(slices) < len(pictures):
            raise DatasetError(f"{path}: {len(pictures) - len(slices)} pictures are listed twice. Fetch it again.")
        return cls(path, categories, np.concatenate([rows_of(())[:0], *(rows for _, rows in pictures)]), slices)

    def __contains__(self, name: object) -> bool:
        return name in self._slices

    def category_ids(self) -> list[int]:
        """The categories of all segments, ascending."""
        return [int(category) for category in np.unique(self._rows[self._rows[:, 0] > 0, 1])]

    def of(self, name: str) -> Segments:
        """The segments of one picture.

        Raises:
            DatasetError: the JSON does not list it.
        """
        if name not in self._slices:
            raise DatasetError(f"{self.path} does not describe {name}. Fetch both again: they come in one archive.")
        return Segments.from_rows(self._rows[self._slices[name]])


def json_of(folder: Path) -> Path:
    """The JSON of all pictures in a folder: beside the folder, of its name."""
    return folder.with_name(f"{folder.name}.json")


def jsons_beside(picture: Path) -> list[Path]:
    """The files that may describe a picture: `NAME.json` beside it, `FOLDER.json` beside its folder."""
    return [path for path in (picture.with_suffix(".json"), json_of(picture.absolute().parent)) if path.is_file()]


def read_once(path: Path) -> SegmentIndex:
    """Read a JSON once for all pictures, and anew when the file changes; see `SegmentIndex.read`."""
    return _read_once(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read_once(path: Path, changed: int) -> SegmentIndex:
    return SegmentIndex.read(path)


def _require_below(path: Path, name: str) -> None:
    """Refuse a name that would lead out of the folder of the pictures."""
    if not name or PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise DatasetError(f"{path}: file_name {name!r} is no name of a picture below the folder of the pictures.")
