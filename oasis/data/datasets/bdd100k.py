"""BDD100K, as downloaded."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oasis.data.dataset import require_numbering
from oasis.data.datasets.paired_folders import PairedFolders, SplitFolders
from oasis.data.files.opening import MAX_PIXELS
from oasis.data.instance_maps import PanopticInstances
from oasis.data.panoptic import FORMATS
from oasis.data.sample import Split
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace

_MASKS = PanopticInstances(FORMATS["bdd100k"], "RGBA")
_FOLDERS = {"pan_seg": "bitmasks", "sem_seg": "masks"}
_LABEL_SPACES = {"pan_seg": "bdd100k", "sem_seg": "bdd100k_semantic"}


class BDD100K(PairedFolders):
    """The photos of BDD100K with one of two kinds of annotations.

    `images/10k/SPLIT/NAME.jpg`, and one of

    - `labels/pan_seg/bitmasks/SPLIT/NAME.png`, RGBA: classes 0..40 and instances in one picture.
    - `labels/sem_seg/masks/SPLIT/NAME.png`, 8 bits: classes 0..18 and 255, without instances.

    The test split has photos only.

    Args:
        root: the folder with `images` and `labels`.
        annotations: `pan_seg` or `sem_seg`.
        images: the folder of photos in `images`, `10k` or `100k`.

    Raises:
        ConfigurationError: no root; no such annotations.

    Source: Yu et al. 2020, "BDD100K"; doc.bdd100k.com/format.html.
    """

    contents: ClassVar[str] = (
        "BDD100K: images/10k/{train,val}, and labels/pan_seg/bitmasks/{train,val} or, with data=bdd100k_semantic, "
        "labels/sem_seg/masks/{train,val}; get `10K Images`, and `Panoptic Segmentation` or `Semantic Segmentation`, "
        "from bdd-data.berkeley.edu"
    )
    instance_files: ClassVar[str] = "labels/pan_seg/bitmasks/*/*.png"
    instance_maps = _MASKS

    def __init__(self, root: str | Path | None, annotations: str = "pan_seg", images: str = "10k") -> None:
        super().__init__(root)
        if annotations not in _FOLDERS:
            raise ConfigurationError(f"data.annotations={annotations}: choose one of {', '.join(_FOLDERS)}.")
        self.annotations = annotations
        self.images = images

    def identity(self) -> dict[str, Any]:
        """The root's name and all other settings."""
        return {**super().identity(), "annotations": self.annotations, "images": self.images}

    def folders(self, split: Split) -> SplitFolders:
        """The folders of a split; of panoptic annotations, labels and instances are in one."""
        maps = self.root / "labels" / self.annotations / _FOLDERS[self.annotations] / split
        return SplitFolders(self.root / "images" / self.images / split, maps, maps if self._panoptic else None)

    def label_size(self, path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
        """(width, height) of a map; see `Dataset.label_size`."""
        return _MASKS.size(path, max_pixels) if self._panoptic else super().label_size(path, max_pixels)

    def read_label(self, path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """Raw label ids; of panoptic annotations, ignored pixels are 0. See `Dataset.read_label`."""
        return _MASKS.classes(path, max_pixels) if self._panoptic else super().read_label(path, max_pixels)

    def require_label_space(self, label_space: LabelSpace) -> None:
        """Refuse label spaces of other numbers, as of the other annotations; see `Dataset.require_label_space`."""
        name = _LABEL_SPACES[self.annotations]
        setting = "data=bdd100k" if self._panoptic else "data=bdd100k_semantic"
        require_numbering(
            label_space,
            LabelSpace.built_in(name),
            f"data.annotations={self.annotations}",
            f"Use label_space={name}, as {setting} does",
        )

    @property
    def _panoptic(self) -> bool:
        return self.annotations == "pan_seg"
