"""COCO panoptic, as downloaded."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from oasis.data.dataset import require_names
from oasis.data.datasets.paired_folders import PairedFolders, SplitFolders
from oasis.data.files import reading
from oasis.data.files.opening import MAX_PIXELS
from oasis.data.instance_maps import number_things
from oasis.data.listing import Listing
from oasis.data.panoptic.coco_index import SegmentIndex, json_of
from oasis.data.panoptic.coco_segments import COCO_MAP, Segments, ids_of
from oasis.data.sample import Split
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS
from oasis.labels import LabelSpace


class COCOPanoptic(PairedFolders):
    """COCO panoptic, and any dataset with its layout.

    `SPLIT2017/NAME.jpg`, `annotations/panoptic_SPLIT2017/NAME.png` and `annotations/panoptic_SPLIT2017.json`. One
    picture holds labels and instances: its colours are ids of segments, which the JSON describes. The raw label id is
    the segment's `category_id`, 0 where there is no segment. Instances are numbered within their class in the order of
    `segments_info`; a segment marked `iscrowd` is a group region.

    Source: Kirillov et al. 2019, "Panoptic Segmentation"; cocodataset.org/#format-data.
    """

    contents: ClassVar[str] = (
        "COCO panoptic: train2017, val2017, and annotations with panoptic_train2017.json, the folder of that name, and "
        "both for val; get train2017.zip, val2017.zip and panoptic_annotations_trainval2017.zip from "
        "cocodataset.org, and unpack the archives inside the last one too"
    )
    instance_files: ClassVar[str] = "annotations/panoptic_*/*.png"

    def __init__(self, root: str | Path | None) -> None:
        super().__init__(root)
        self._indices: dict[Path, SegmentIndex] = {}

    def folders(self, split: Split) -> SplitFolders:
        """The folders of a split; labels and instances are in one."""
        maps = self.root / "annotations" / f"panoptic_{split}2017"
        return SplitFolders(self.root / f"{split}2017", maps, maps)

    def listing(self, split: Split) -> Listing:
        """The files of a split; see `Dataset.listing`.

        Raises:
            DatasetError: also if the JSON is missing or invalid, or describes not all of the maps.
        """
        listing = super().listing(split)
        index = self._index(listing.map_folder)
        unknown = [path for path in listing.labels.values() if path.name not in index]
        if unknown:
            raise DatasetError(
                f"{index.path} does not describe {len(unknown)} of {len(listing.labels)} maps, first {unknown[0]}. "
                "Fetch both again: they come in one archive."
            )
        return listing

    def index_files(self, split: Split) -> Sequence[Path]:
        """The JSON of a split."""
        return (json_of(self.folders(split).labels),)

    def require_label_space(self, label_space: LabelSpace) -> None:
        """Refuse label spaces with a category of the JSON at another id; see `Dataset.require_label_space`."""
        folders = [self.folders(split).labels for split in get_args(Split)]
        described = [folder for folder in folders if json_of(folder).is_file()]
        if not described:
            return
        folder = min(described, key=lambda folder: json_of(folder).stat().st_size)  # not of COCO's training split
        ids_of: dict[str, set[int]] = {}
        with suppress(DatasetError):  # told when that split is listed
            for category, name in self._index(folder).categories.items():
                ids_of.setdefault(name, set()).add(category)
        advice = "Use label_space=coco_panoptic, as data=coco_panoptic does, or a class file of these categories"
        require_names(label_space, ids_of, str(json_of(folder)), advice)

    def label_size(self, path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
        """(width, height) of a map; see `Dataset.label_size`."""
        return reading.check_color_header(path, COCO_MAP, max_pixels)

    def instance_size(self, path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
        """(width, height) of a map; see `Dataset.instance_size`."""
        return self.label_size(path, max_pixels)

    def read_label(self, path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """The category of each pixel; see `Dataset.read_label`.

        Raises:
            DatasetError: also if the JSON and the picture differ in their segments or the areas of these.
        """
        segments, place = self._read(path, max_pixels)
        return segments.category[place].astype(np.uint8)

    def read_instance(self, path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.int32]:
        """Raw instance ids, of all segments but crowds; see `Dataset.read_instance` and `read_label`."""
        segments, place = self._read(path, max_pixels)
        return segments.instance_ids(segments.category, segments.is_single, str(path))[place]

    def instance_ids(
        self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace
    ) -> NDArray[np.int32]:
        """Raw instance ids: those of things; a segment of stuff is none. See `Dataset.instance_ids`."""
        single = instance >= INSTANCES_PER_CLASS
        return number_things(label, instance % INSTANCES_PER_CLASS, single, label_space)

    def _index(self, folder: Path) -> SegmentIndex:
        path = json_of(folder)
        if path not in self._indices:
            index = SegmentIndex.read(path)
            foreign = [category for category in index.category_ids() if not 0 < category < RAW_IDS]
            if foreign:
                raise DatasetError(f"{path}: category_id {foreign[0]}, but label ids are 1..{RAW_IDS - 1}.")
            self._indices[path] = index
        return self._indices[path]

    def _read(self, path: Path, max_pixels: int) -> tuple[Segments, NDArray[np.intp]]:
        """The segments of a picture by ascending id, and the position of each pixel's segment among them."""
        index = self._index(path.parent)
        segments = index.of(path.name)
        ids = ids_of(reading.read_colors(path, COCO_MAP, max_pixels))
        return segments, segments.locate(ids, str(path), str(index.path))
