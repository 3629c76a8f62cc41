"""ADE20K, as downloaded for SceneParsing."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oasis.data import reading
from oasis.data.dataset import number_things
from oasis.data.opening import MAX_PIXELS
from oasis.data.paired_folders import PairedFolders, SplitFolders
from oasis.data.samples import Split
from oasis.labels import LabelSpace

_FOLDERS: dict[Split, str] = {"train": "training", "val": "validation", "test": "testing"}
_INSTANCES = "the instance map of ADE20K (red = class, green = instance)"


class ADE20K(PairedFolders):
    """ADE20K with the 150 classes of SceneParsing.

    `images/FOLDER/NAME.jpg` and `annotations/FOLDER/NAME.png`, 8 bits, 0..150; FOLDER is `training` or `validation`.
    Instances are optional, those of the Places challenge: `annotations_instance/FOLDER/NAME.png`, RGB. An instance is
    the pixels of one label that have one number in the green channel, if the label is a thing. The red channel numbers
    the classes in its own way and is not read.

    Source: Zhou et al. 2017, "Scene Parsing through ADE20K Dataset"; github.com/CSAILVision/placeschallenge.
    """

    contents: ClassVar[str] = (
        "ADE20K: images and annotations inside, each with training and validation; get it with "
        "`wget http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip`"
    )
    instance_files: ClassVar[str] = "annotations_instance/*/*.png"

    def folders(self, split: Split) -> SplitFolders:
        """The folders of a split; those of instance maps only if there are any."""
        name = _FOLDERS[split]
        instances = self.root / "annotations_instance" / name
        return SplitFolders(
            self.root / "images" / name, self.root / "annotations" / name, instances if instances.is_dir() else None
        )

    def instance_size(self, path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
        """(width, height) of an instance map; see `Dataset.instance_size`."""
        return reading.check_color_header(path, _INSTANCES, max_pixels)

    def read_instance(self, path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.int32]:
        """Instance numbers, 0..255; 0 = none. See `Dataset.read_instance`."""
        return reading.read_colors(path, _INSTANCES, max_pixels)[:, :, 1].astype(np.int32)

    def instance_ids(
        self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace
    ) -> NDArray[np.int32]:
        """Raw instance ids: those of things with a number. See `Dataset.instance_ids`."""
        return number_things(label, instance, instance > 0, label_space)
