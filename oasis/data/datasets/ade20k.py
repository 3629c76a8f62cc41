"""ADE20K, as downloaded for SceneParsing."""

from typing import ClassVar

from oasis.data.dataset import require_numbering
from oasis.data.datasets.paired_folders import PairedFolders, SplitFolders
from oasis.data.instance_maps import INSTANCE_FORMATS
from oasis.data.sample import Split
from oasis.labels import LabelSpace

_FOLDERS: dict[Split, str] = {"train": "training", "val": "validation", "test": "testing"}


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
    instance_maps = INSTANCE_FORMATS["ade20k"]

    def folders(self, split: Split) -> SplitFolders:
        """The folders of a split; those of instance maps only if there are any."""
        name = _FOLDERS[split]
        instances = self.root / "annotations_instance" / name
        return SplitFolders(
            self.root / "images" / name, self.root / "annotations" / name, instances if instances.is_dir() else None
        )

    def require_label_space(self, label_space: LabelSpace) -> None:
        """Refuse label spaces of other numbers; see `Dataset.require_label_space`."""
        advice = "Use label_space=ade20k, as data=ade20k does; maps with numbers of their own are for data=folder"
        require_numbering(label_space, LabelSpace.ade20k(), "ADE20K", advice)
