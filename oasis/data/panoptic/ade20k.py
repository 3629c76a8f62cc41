"""The instance maps of ADE20K's SceneParsing release."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np

from oasis.data.files import reading
from oasis.data.panoptic.base import PanopticFormat, PanopticMap, numbered_within, pictures, save
from oasis.errors import DatasetError

_LABELS, _INSTANCES = "annotations", "annotations_instance"


class ADE20KFormat(PanopticFormat):
    """`annotations/SPLIT/NAME.png`, 8-bit class ids, and `annotations_instance/SPLIT/NAME.png`, RGB.

    Green is the number of the instance within the picture, from 1; 0 = none. Red is the class within the 100 classes of
    the instance challenge; the label map has the class, so red is not read, and written as the class id.

    Source: Zhou et al. 2017, and the readme of the instance segmentation challenge.
    """

    contents: ClassVar[str] = f"{_LABELS}/SPLIT/*.png and {_INSTANCES}/SPLIT/*.png"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether a folder has `annotations_instance`."""
        return (path / _INSTANCES).is_dir()

    def find(self, path: Path) -> dict[str, Path]:
        """All instance maps, as `SPLIT/NAME`."""
        return pictures(path / _INSTANCES) if path.is_dir() else pictures(path)

    def read(self, path: Path) -> PanopticMap:
        """The instances of a class are numbered in the order of their numbers within the picture."""
        parts = list(path.parts)
        if _INSTANCES not in parts:
            raise DatasetError(f"{path}: the label map is found beside it only below {_INSTANCES}/.")
        place = len(parts) - 1 - parts[::-1].index(_INSTANCES)
        label = reading.read_label_ids(Path(*parts[:place], _LABELS, *parts[place + 1 :]), self.max_pixels)
        green = self.decode(path, "RGB")[..., 1].astype(np.int64)
        single = self.is_thing(label) & (green > 0)
        return PanopticMap.of_numbers(label, numbered_within(label, green, single), single)

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless but for the numbers of instances, whose order is kept."""
        ids = panoptic.instances()
        if len(ids) > 255:
            raise DatasetError(f"{name}: {len(ids)} instances, but the format has room for 255 in a picture.")
        green = np.where(panoptic.is_single, np.searchsorted(ids, panoptic.instance) + 1, 0)
        red = np.where(panoptic.is_single, panoptic.label, 0)
        save(folder / _LABELS / f"{name}.png", panoptic.label)
        picture = np.stack([red, green, np.zeros_like(green)], axis=-1).astype(np.uint8)
        save(folder / _INSTANCES / f"{name}.png", picture)
        return Counter()
