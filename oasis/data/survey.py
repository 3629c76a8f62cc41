"""Statistics and faults of a split."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oasis.data.dataset import Dataset
from oasis.data.faults import PartnerError
from oasis.data.inspection import Finding, Inspection
from oasis.data.listing import Listing
from oasis.data.loading import in_parallel
from oasis.data.sample import Split
from oasis.labels import LabelSpace


@dataclass
class Survey:
    """The contents and faults of a split.

    Attributes:
        split: its name.
        label_space: maps its raw ids to classes.
        files: city -> kind (`photos`, `label maps`, `instance maps`) -> how many.
        samples: number of samples with a photo and a label map.
        faults: kind -> the full message of each.
        sizes: `WIDTHxHEIGHT` -> photos.
        label_pixels: (256,) int64, pixels of each raw label id.
        label_images: (256,) int64, images with each raw label id.
        group_pixels: (256,) int64, pixels of each raw thing id that do not belong to a single instance.
        group_images: (256,) int64, images with such pixels.
        instances: number of instances of each image with a readable instance map.
        links_out: files that are links to the outside of the dataset.
        passed_over: hidden files, and files that are no pictures.
    """

    split: Split
    label_space: LabelSpace
    files: dict[str, Counter[str]] = field(default_factory=dict)
    samples: int = 0
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sizes: Counter[str] = field(default_factory=Counter)
    label_pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    label_images: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    group_pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    group_images: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    instances: list[int] = field(default_factory=list)
    links_out: int = 0
    passed_over: int = 0

    @property
    def most_instances(self) -> int:
        """The most instances of one image: `per_instance_masks` needs as many slots."""
        return max(self.instances, default=0)

    @property
    def is_sound(self) -> bool:
        """Whether there are no faults."""
        return not any(self.faults.values())

    def foreign_ids(self) -> dict[int, tuple[int, int]]:
        """Raw label id outside the label space -> pixels, files."""
        known = np.asarray(self.label_space.raw_to_class) >= 0
        ids = np.flatnonzero((self.label_pixels > 0) & ~known).tolist()
        return {raw: (int(self.label_pixels[raw]), int(self.label_images[raw])) for raw in ids}

    def classes(self) -> dict[str, tuple[int, int]]:
        """Class -> pixels, images. An image with several raw ids of one class counts once."""
        return _by_class(self.label_space, self.label_pixels, self._class_images)

    def groups(self) -> dict[str, tuple[int, int]]:
        """Thing class with group regions -> their pixels, images."""
        pixels, images = self.group_pixels, self.group_images
        table = self.label_space.raw_to_class
        return {
            self.label_space.names[table[raw]]: (int(pixels[raw]), int(images[raw]))
            for raw in np.flatnonzero(pixels).tolist()
        }

    def add(self, found: Finding) -> None:
        """Add one sample."""
        for fault in found.faults:
            self.faults[fault.kind].append(fault.reason)
        if found.size is not None:
            self.sizes[f"{found.size[0]}x{found.size[1]}"] += 1
        if found.label_pixels is not None:
            self.label_pixels += found.label_pixels
            self.label_images += found.label_pixels > 0
            self._class_images.update({self._class(raw) for raw in np.flatnonzero(found.label_pixels).tolist()})
        if found.group_pixels is not None:
            self.group_pixels += found.group_pixels
            self.group_images += found.group_pixels > 0
        if found.instances is not None:
            self.instances.append(found.instances)
        self.links_out += found.links_out

    def as_dict(self) -> dict[str, Any]:
        """All attributes in plain types, for JSON."""
        return {
            "samples": self.samples,
            "files": {city: dict(counts) for city, counts in self.files.items()},
            "faults": {kind: list(reasons) for kind, reasons in self.faults.items()},
            "sizes": dict(self.sizes),
            "ids_outside_label_space": {str(raw): _counts(both) for raw, both in self.foreign_ids().items()},
            "group_regions": {name: _counts(both) for name, both in self.groups().items()},
            "instances_per_image": {str(n): images for n, images in sorted(Counter(self.instances).items())},
            "most_instances": self.most_instances,
            "classes": {name: _counts(both) for name, both in self.classes().items()},
            "links_out_of_root": self.links_out,
            "passed_over": self.passed_over,
        }

    def __post_init__(self) -> None:
        self._class_images: Counter[int] = Counter()

    def _class(self, raw: int) -> int:
        return self.label_space.raw_to_class[raw]


def survey_split(dataset: Dataset, split: Split, rules: dict[str, Any], workers: int) -> Survey:
    """Check every file of a split.

    Args:
        dataset: the dataset to check.
        split: `train`, `val` or `test`.
        rules: `label_space`, and further arguments of `Inspection`.
        workers: processes that read.

    Raises:
        DatasetError: no dataset there, an empty split; or a process died.
    """
    listing = dataset.listing(split)
    samples = listing.samples()
    survey = Survey(
        split, rules["label_space"], _count_files(listing), len(samples), passed_over=len(listing.passed_over)
    )
    for reason in _missing(listing):
        survey.faults[PartnerError.kind].append(reason)
    for found in in_parallel(Inspection(dataset, samples, **rules), workers, f"checking {split}"):
        survey.add(found)
    return survey


def _missing(listing: Listing) -> Iterable[str]:
    """One message per file without a partner. A split without any instance maps is valid."""
    yield from map(str, listing.doubles)
    for gap in listing.gaps(needs_instances=bool(listing.instances)):
        yield from (f"{path}: there is no {gap.what}" for path in gap.files)


def _count_files(listing: Listing) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, found in (
        ("photos", listing.photos),
        ("label maps", listing.labels),
        ("instance maps", listing.instances),
    ):
        for stem in found:
            counts[Path(stem).parent.as_posix()][kind] += 1
    return dict(sorted(counts.items()))


def _by_class(space: LabelSpace, pixels: NDArray[np.int64], images: Counter[int]) -> dict[str, tuple[int, int]]:
    table = np.asarray(space.raw_to_class)
    return {name: (int(pixels[table == number].sum()), images[number]) for number, name in enumerate(space.names)}


def _counts(both: tuple[int, int]) -> dict[str, int]:
    return {"pixels": both[0], "images": both[1]}
