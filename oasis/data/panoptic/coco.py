"""COCO panoptic maps: pictures of segments, and the JSON that describes them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oasis.data.panoptic.base import PanopticFormat, PanopticMap, class_of, first, pictures, save
from oasis.data.panoptic_files import read_segments
from oasis.data.panoptic_ids import Segment
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS, RAW_INSTANCES
from oasis.labels import LabelSpace

_BASE_256 = np.array([1, 256, 65536])
_CLASS_0 = RAW_INSTANCES  # the segment of class 0, where 0 is not the ignored class: 0 means "nothing here"


class COCOFormat(PanopticFormat):
    """RGB PNG, segment = R + 256 G + 65536 B, and a JSON with the category of each segment; 0 = no segment.

    The JSON is `NAME.json` beside a picture, or `FOLDER.json` beside its folder. Categories are matched with the
    classes of the label space by their names, if the JSON lists them, else by their ids.

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
        return found is not None and _json_of(found) is not None

    def find(self, path: Path) -> dict[str, Path]:
        """All PNG files that have a JSON."""
        return {name: file for name, file in pictures(path).items() if path.is_file() or _json_of(file) is not None}

    def read(self, path: Path) -> PanopticMap:
        """Pixels without a segment become the ignored class."""
        described = _json_of(path)
        if described is None:
            raise DatasetError(f"{path}: no JSON describes it: {path.stem}.json beside it, or {path.parent.name}.json.")
        segments = _read_once(described, described.stat().st_mtime_ns)
        if path.name not in segments:
            raise DatasetError(f"{described}: has no annotation with file_name {path.name!r}.")
        ids = self.decode(path, "RGB").astype(np.int64) @ _BASE_256
        listed = segments[path.name]
        require_matching(ids, listed, path, described)
        classes = classes_of(described, self.space)
        numbers = instance_ids(listed, classes, self.things, described)
        present, position = np.unique(ids, return_inverse=True)
        table = np.array([numbers.get(i, self._void) for i in present.tolist()], np.int32)
        instance = table[position.reshape(ids.shape)]
        label = np.where(instance >= INSTANCES_PER_CLASS, class_of(instance), instance)
        return PanopticMap(label.astype(np.uint8), instance)

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless; `finish` writes the JSON."""
        ids = panoptic.instance.astype(np.int64)
        ids = np.where(ids == self._void, 0, np.where(ids == 0, _CLASS_0, ids))
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

    @property
    def _void(self) -> int:
        table = self.space.raw_to_class
        return table.index(self.space.ignore_index) if self.space.ignore_index in table else 0

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


def require_matching(ids: NDArray[np.int64], segments: Sequence[Segment], path: Path, described: Path) -> None:
    """Compare a picture's segments with the list of its JSON.

    Args:
        ids: (H, W) segment of each pixel, 0 = none.
        segments: its `segments_info`.
        path: of the picture, for messages.
        described: the JSON, for messages.

    Raises:
        DatasetError: a segment is on one side only, twice in the list, or its area differs.
    """
    present = dict(zip(*(each.tolist() for each in np.unique(ids, return_counts=True)), strict=True))
    listed: dict[int, Segment] = {}
    for entry in segments:
        if entry["id"] in listed:
            raise DatasetError(f"{described}: segments_info of {path.name} lists id {entry['id']} twice.")
        listed[entry["id"]] = entry
    advice = "The two do not belong together, or one was edited: fetch both again."
    alone = sorted(present.keys() - listed.keys() - {0})
    if alone:
        counts = ", ".join(f"{i} ({present[i]} pixels)" for i in alone[:8])
        raise DatasetError(f"{path}: segments that {described.name} does not list: {counts}. {advice}")
    missing = sorted(listed.keys() - present.keys())
    if missing:
        raise DatasetError(f"{described}: lists segments that {path} does not have: {missing[:8]}. {advice}")
    for i, entry in listed.items():
        if "area" in entry and entry["area"] != present[i]:
            raise DatasetError(
                f"{described}: segment {i} has area {entry['area']}, but {present[i]} pixels in {path}. {advice}"
            )


def classes_of(described: Path, space: LabelSpace) -> dict[int, int]:
    """The raw class id of each category of a JSON: by name if it lists categories, else by id.

    Raises:
        DatasetError: a category that the label space does not have is used.
    """
    listed = _categories_once(described, described.stat().st_mtime_ns)
    if not listed:
        return {raw: raw for raw, index in enumerate(space.raw_to_class) if index >= 0}
    found = {}
    for category, name in listed.items():
        raw_ids = [raw for raw, index in enumerate(space.raw_to_class) if index >= 0 and space.names[index] == name]
        if raw_ids:
            found[category] = category if category in raw_ids else raw_ids[0]
    return found


def instance_ids(
    segments: Sequence[Segment], classes: Mapping[int, int], things: frozenset[int], described: Path
) -> dict[int, int]:
    """`class id * 1000 + k` of each segment of a thing, the plain class id of all others.

    Args:
        segments: a `segments_info`.
        classes: raw class id of each category.
        things: raw ids of the classes that have instances.
        described: the JSON, for messages.

    Raises:
        DatasetError: an unknown category, or more than 1000 instances of a class.
    """
    unknown = sorted({entry["category_id"] for entry in segments} - classes.keys())
    if unknown:
        names = _categories_once(described, described.stat().st_mtime_ns)
        listing = ", ".join(f"{category} ({names.get(category, 'without a name')})" for category in unknown[:8])
        raise DatasetError(f"{described}: categories that the label space does not have: {listing}.")
    raw = {entry["id"]: classes[entry["category_id"]] for entry in segments}
    single = [e["id"] for e in segments if raw[e["id"]] in things and not e.get("iscrowd")]
    numbers = {i: c for i, c in raw.items() if i not in set(single)}
    base = {c: (c or RAW_IDS) * INSTANCES_PER_CLASS for c in raw.values()}
    numbers |= {i: i for i in single if base[raw[i]] <= i < base[raw[i]] + INSTANCES_PER_CLASS}
    taken = set(numbers.values())
    for i in single:
        if i not in numbers:
            c = raw[i]
            free = (n for n in range(base[c], base[c] + INSTANCES_PER_CLASS) if n not in taken)
            numbers[i] = next(free, -1)
            if numbers[i] < 0:
                raise DatasetError(f"{described}: more than {INSTANCES_PER_CLASS} instances of class {c}.")
            taken.add(numbers[i])
    return numbers


def _json_of(path: Path) -> Path | None:
    """The JSON for a picture, None if there is none."""
    beside = (path.with_suffix(".json"), path.absolute().parent.with_suffix(".json"))
    return first(each for each in beside if each.is_file())


@lru_cache(maxsize=4)
def _read_once(path: Path, changed: int) -> dict[str, list[Segment]]:
    """The lists of a JSON, which may be for thousands of pictures; cached until the file changes."""
    return read_segments(path)


@lru_cache(maxsize=4)
def _categories_once(path: Path, changed: int) -> dict[int, str]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return {entry["id"]: entry["name"] for entry in content.get("categories", [])}
