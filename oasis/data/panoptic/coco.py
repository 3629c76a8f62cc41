"""COCO panoptic maps: pictures of segments, and the JSON that describes them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import numpy as np
from numpy.typing import NDArray

from oasis.data.files import reading
from oasis.data.panoptic.base import PanopticFormat, PanopticMap, first, pictures, save
from oasis.data.panoptic.class_names import find_class, raw_id, void_id
from oasis.data.panoptic.coco_index import SegmentIndex, jsons_beside, read_once
from oasis.data.panoptic.coco_segments import COCO_MAP, ids_of
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS, RAW_INSTANCES
from oasis.labels import LabelSpace

_CLASS_0 = RAW_INSTANCES  # the segment of class 0, where 0 is not the ignored class: 0 means "nothing here"


class Segment(TypedDict):
    """One entry of `segments_info`, as COCO defines it: bbox is [x, y, width, height] in pixels."""

    id: int
    category_id: int
    area: int
    bbox: list[int]
    iscrowd: int


class COCOFormat(PanopticFormat):
    """RGB PNG, segment = R + 256 G + 65536 B, and a JSON with the category of each segment; 0 = no segment.

    The JSON is `NAME.json` beside a picture, or `FOLDER.json` beside its folder. Categories are matched with the
    classes of the label space by their names, if the JSON lists them, else by their ids; see `class_names`.

    A segment id that is `class id * 1000 + k` of its class keeps its k; other things get the lowest free k of their
    class, in the order of the list. Segments with `iscrowd` are group regions.

    Source: Kirillov et al. 2019, and the "panoptic segmentation" format of cocodataset.org.
    """

    contents: ClassVar[str] = "RGB, segment = R + 256 G + 65536 B, and a JSON with segments_info"

    def __init__(self, space: LabelSpace, **settings: Any) -> None:
        super().__init__(space, **settings)
        self._written: dict[str, tuple[tuple[int, int], list[Segment]]] = {}

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether a JSON of the maps is beside the first one."""
        found = first(pictures(path).values())
        return found is not None and bool(jsons_beside(found))

    def find(self, path: Path) -> dict[str, Path]:
        """All PNG files that have a JSON."""
        return {name: file for name, file in pictures(path).items() if path.is_file() or jsons_beside(file)}

    def read(self, path: Path) -> PanopticMap:
        """Pixels without a segment become the ignored class."""
        described = first(jsons_beside(path))
        if described is None:
            raise DatasetError(f"{path}: no JSON describes it: {path.stem}.json beside it, or {path.parent.name}.json.")
        index = read_once(described)
        segments = index.of(path.name)
        ids = ids_of(reading.read_colors(path, COCO_MAP, self.max_pixels))
        place = segments.locate(ids, str(path), str(described))
        classes = self._classes(index)
        unknown = sorted(set(segments.category[1:].tolist()) - classes.keys())
        if unknown:
            listing = ", ".join(f"{c} ({index.categories.get(c, 'without a name')})" for c in unknown[:8])
            raise DatasetError(f"{described}: categories that the label space does not have: {listing}.")
        nothing = void_id(self.space, int((place == 0).sum()), str(path))
        raw = np.array([nothing, *(classes[c] for c in segments.category[1:].tolist())], np.int32)
        single = segments.is_single & np.isin(raw, list(self.things))
        instances = segments.instance_ids(raw, single, str(described))
        return PanopticMap(raw[place].astype(np.uint8), instances[place])

    def _classes(self, index: SegmentIndex) -> dict[int, int]:
        """The raw class id of each category of a JSON: by name if it lists categories, else by id."""
        if not index.categories:
            return {raw: raw for raw, known in enumerate(self.space.raw_to_class) if known >= 0}
        found = {}
        for category, name in index.categories.items():
            fitting = find_class(name, self.space)
            if fitting is not None:
                found[category] = raw_id(self.space, fitting, category)
        return found

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless; `finish` writes the JSON."""
        ids = panoptic.instance.astype(np.int64)
        table = self.space.raw_to_class
        void = table.index(self.space.ignore_index) if self.space.ignore_index in table else -1
        ids = np.where(ids == void, 0, np.where(ids == 0, _CLASS_0, ids))
        name = name.replace("/", "_")
        picture = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
        save(folder / "panoptic" / f"{name}.png", picture)
        self._written[name] = (ids.shape, [self._segment(ids, i) for i in np.unique(ids[ids > 0]).tolist()])
        return Counter()

    def finish(self, folder: Path) -> None:
        """Write `panoptic.json`: images, annotations, and one category per raw class id."""
        images, annotations = [], []
        for number, (name, ((height, width), segments)) in enumerate(self._written.items(), start=1):
            images.append({"id": number, "file_name": f"{name}.png", "height": height, "width": width})
            annotations.append({"image_id": number, "file_name": f"{name}.png", "segments_info": segments})
        content = {"images": images, "annotations": annotations, "categories": self._categories()}
        (folder / "panoptic.json").write_text(json.dumps(content), encoding="utf-8")

    def _segment(self, ids: NDArray[np.int64], segment: int) -> Segment:
        mask = ids == segment
        columns, rows = np.flatnonzero(mask.any(0)).tolist(), np.flatnonzero(mask.any(1)).tolist()
        single = INSTANCES_PER_CLASS <= segment < _CLASS_0
        category = segment // INSTANCES_PER_CLASS % RAW_IDS if single else segment % _CLASS_0
        bbox = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
        crowd = int(not single and category in self.things)
        return Segment(id=segment, category_id=category, area=int(mask.sum()), bbox=bbox, iscrowd=crowd)

    def _categories(self) -> list[dict[str, Any]]:
        table = self.space.raw_to_class
        return [
            {"id": raw, "name": self.space.names[index], "isthing": int(index in self.space.things)}
            for raw, index in enumerate(table)
            if index >= 0
        ]
