"""The two files of Cityscapes."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np

from oasis.data.consistency import Maps, OnInconsistentIds, consistent_label
from oasis.data.files import reading
from oasis.data.panoptic.base import PanopticFormat, PanopticMap, class_of, first, pictures, save
from oasis.errors import DatasetError

_LABELS, _INSTANCES = "_labelIds.png", "_instanceIds.png"
_HIGHEST = 65535


class CityscapesFormat(PanopticFormat):
    """`NAME_labelIds.png`, 8 bits, and `NAME_instanceIds.png`, 16 bits: `class id * 1000 + k`, else the class id.

    Source: Cordts et al. 2016, and the repository cityscapesscripts.
    """

    contents: ClassVar[str] = f"*{_LABELS} and *{_INSTANCES}"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether there is an instance map with Cityscapes' suffix."""
        return first(pictures(path, _INSTANCES)) is not None and (path.is_dir() or path.name.endswith(_INSTANCES))

    def find(self, path: Path) -> dict[str, Path]:
        """All instance maps."""
        return pictures(path, _INSTANCES)

    def read(self, path: Path) -> PanopticMap:
        """The class of each pixel is in the instance map; the label map must agree, if there is one.

        Raises:
            DatasetError: also if a class without instances has some, as in a map of panoptic ids.
        """
        panoptic = PanopticMap.of_instance_ids(reading.read_instance_ids(path, self.max_pixels), str(path))
        consistent_label(Maps(panoptic.label, panoptic.instance, path, path), self.space, OnInconsistentIds.ERROR)
        beside = path.with_name(path.name.removesuffix(_INSTANCES) + _LABELS)
        if beside.is_file() and not np.array_equal(reading.read_label_ids(beside, self.max_pixels), panoptic.label):
            raise DatasetError(f"{path}: its classes are not those of {beside}. Restore the originals.")
        return panoptic

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless for classes up to 65."""
        highest = panoptic.instance.max(keepdims=True)
        if highest > _HIGHEST:
            raise DatasetError(
                f"{name}: class {class_of(highest).item()} has instances, and 16 bits have room for those of the "
                "classes 1 to 65. Use --to coco."
            )
        save(folder / f"{name}{_LABELS}", panoptic.label)
        save(folder / f"{name}{_INSTANCES}", panoptic.instance.astype(np.uint16))
        return Counter()
