"""The bit masks of BDD100K."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np

from oasis.data.files.opening import open_picture
from oasis.data.panoptic.base import PanopticFormat, PanopticMap, first, numbered_within, pictures, save
from oasis.data.panoptic.class_names import void_id
from oasis.errors import DatasetError

_CROWD, _IGNORED = 2, 1  # bits of green; the others are truncated (8) and occluded (4)


class BDD100KFormat(PanopticFormat):
    """RGBA PNG: red = class id, green = attributes, `256 * blue + alpha` = number of the segment within the picture.

    The instances of a class are numbered in the order of their segments, so that gaps between numbers are closed.
    Attributes other than crowd (a group region) and ignored (void) are not kept.

    Source: the documentation of BDD100K's label format, "Bitmask".
    """

    contents: ClassVar[str] = "RGBA, red = class id, green = attributes, 256 * blue + alpha = segment"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether the first PNG is RGBA."""
        found = first(pictures(path).values())
        if found is None:
            return False
        with open_picture(found) as picture:
            return picture.mode == "RGBA"

    def find(self, path: Path) -> dict[str, Path]:
        """All PNG files."""
        return pictures(path)

    def read(self, path: Path) -> PanopticMap:
        """Ignored pixels become the ignored class."""
        red, green, blue, alpha = np.moveaxis(self.decode(path, "RGBA").astype(np.int64), -1, 0)
        ignored = green & _IGNORED > 0
        label = np.where(ignored, void_id(self.space, int(ignored.sum()), str(path)), red).astype(np.uint8)
        segment = 256 * blue + alpha
        single = self.is_thing(label) & (green & _CROWD == 0) & (segment > 0)
        return PanopticMap.of_numbers(label, numbered_within(label, segment, single), single)

    def write(self, folder: Path, name: str, panoptic: PanopticMap) -> Counter[str]:
        """Lossless but for the numbers of instances, whose order is kept."""
        ids, segment = np.unique(panoptic.instance, return_inverse=True)
        if len(ids) > 65535:
            raise DatasetError(f"{name}: {len(ids)} segments, but the format has room for 65535.")
        number = segment.reshape(panoptic.label.shape) + 1
        crowd = self.is_thing(panoptic.label) & ~panoptic.is_single
        channels = (panoptic.label, np.where(crowd, _CROWD, 0), number // 256, number % 256)
        save(folder / f"{name}.png", np.stack(channels, axis=-1).astype(np.uint8))
        return Counter()
