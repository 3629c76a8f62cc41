"""COCO-Stuff, as downloaded, or as prepared for SPADE."""

from typing import ClassVar

from oasis.data.dataset import require_numbering
from oasis.data.datasets.paired_folders import PairedFolders, SplitFolders
from oasis.data.instance_maps import INSTANCE_FORMATS
from oasis.data.sample import Split
from oasis.labels import LabelSpace


class COCOStuff(PairedFolders):
    """COCO-Stuff, in one of two layouts; label maps hold 0..181, and 255 where nothing is labelled.

    - As downloaded: `train2017/NAME.jpg` and `stuffthingmaps_trainval2017/train2017/NAME.png`, without instances.
    - As in SPADE: `train_img/NAME.jpg`, `train_label/NAME.png` and, optionally, `train_inst/NAME.png`, 8 bits.

    SPADE's instance maps are copies of the label map over which the k-th annotated thing is painted with the value k.
    So a number means an instance only where the label is a thing and differs from it, and numbers of several classes
    collide: an instance is the pixels of one label with one number.

    Source: Caesar et al. 2018; `coco_generate_instance_map.py` of github.com/NVlabs/SPADE.
    """

    contents: ClassVar[str] = (
        "COCO-Stuff: train2017, val2017 and stuffthingmaps_trainval2017 (get them from cocodataset.org and "
        "github.com/nightrome/cocostuff), or SPADE's train_img, train_label and train_inst, and the same for val"
    )
    instance_files: ClassVar[str] = "*_inst/*.png"
    instance_maps = INSTANCE_FORMATS["spade"]

    def folders(self, split: Split) -> SplitFolders:
        """The folders of a split, SPADE's if they exist."""
        photos = self.root / f"{split}_img"
        if photos.is_dir():
            instances = self.root / f"{split}_inst"
            return SplitFolders(photos, self.root / f"{split}_label", instances if instances.is_dir() else None)
        name = f"{split}2017"
        return SplitFolders(self.root / name, self.root / "stuffthingmaps_trainval2017" / name, None)

    def require_label_space(self, label_space: LabelSpace) -> None:
        """Refuse label spaces of other numbers; see `Dataset.require_label_space`."""
        advice = (
            "Use label_space=coco_stuff, as data=coco_stuff does; maps with numbers of their own are for data=folder"
        )
        require_numbering(label_space, LabelSpace.coco_stuff(), "COCO-Stuff", advice)
