"""The instance maps of SPADE's release."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from oasis.data.files import reading
from oasis.data.panoptic.base import PanopticFormat, PanopticMap, free_number, pictures, save
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS


class SPADEFormat(PanopticFormat):
    """`SPLIT_label/NAME.png` and `SPLIT_inst/NAME.png`, 8 bits each.

    An instance map starts as a copy of the label map; then each annotated thing is drawn over it with its number. So a
    number stands for an instance only where the label is a thing and the number is not the label itself. Numbers of
    instances and of stuff collide: only the pair (label, number) identifies an instance.

    Source: Park et al. 2019, `coco_generate_instance_map.py` of its release.
    """

    contents: ClassVar[str] = "SPLIT_label/*.png and SPLIT_inst/*.png"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether a folder has a `SPLIT_inst` beside a `SPLIT_label`."""
        return path.is_dir() and any(_labels(folder).is_dir() for folder in path.glob("*_inst"))

    def find(self, path: Path) -> dict[str, Path]:
        """All instance maps, as `SPLIT/NAME`."""
        folders = [path.parent] if path.is_file() else sorted(path.glob("*_inst"))
        found = {
            f"{folder.name.removesuffix('_inst')}/{name}": file
            for folder in folders
            for name, file in pictures(folder).items()
        }
        return {name: file for name, file in found.items() if path.is_dir() or file == path}

    def read(self, path: Path) -> PanopticMap:
        """The number of an instance becomes its number within its class."""
        label = reading.read_label_ids(_labels(path.parent) / path.name, self.max_pixels)
        number = reading.read_label_ids(path, self.max_pixels)
        return PanopticMap.of_numbers(label, number, self.is_thing(label) & (number != label))

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless if the numbers within a class are below 256 and none is the class id; others are changed."""
        numbers = _numbers(panoptic.instances(), name)
        drawn = panoptic.label.copy()
        for i, number in numbers.items():
            drawn[panoptic.instance == i] = number
        split, _, stem = name.rpartition("/")
        split = split.replace("/", "_") or "train"
        save(folder / f"{split}_label" / f"{stem}.png", panoptic.label)
        save(folder / f"{split}_inst" / f"{stem}.png", drawn)
        changed = sum(number != i % INSTANCES_PER_CLASS for i, number in numbers.items())
        return Counter({"instances with another number": changed}) if changed else Counter()


def _numbers(instances: Sequence[int], name: str) -> dict[int, int]:
    """The number to draw each instance with: its own if it is a byte other than its class, else the lowest free one."""
    own = {i: (i // INSTANCES_PER_CLASS % RAW_IDS, i % INSTANCES_PER_CLASS) for i in instances}
    numbers = {i: k for i, (raw, k) in own.items() if k < 256 and k != raw}
    for i, (raw, _) in own.items():
        if i not in numbers:
            taken = {raw, *(k for other, k in numbers.items() if own[other][0] == raw)}
            numbers[i] = free_number(taken, 255, f"{name}: class {raw}")
    return numbers


def _labels(folder: Path) -> Path:
    return folder.with_name(folder.name.removesuffix("_inst") + "_label")
