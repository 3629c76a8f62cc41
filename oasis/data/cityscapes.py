"""Cityscapes, and any dataset with its layout."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, get_args

from oasis.data.dataset import Dataset
from oasis.data.listing import Listing
from oasis.data.opening import PHOTO_ENDINGS
from oasis.data.samples import Split
from oasis.errors import DatasetError


class Cityscapes(Dataset):
    """Photos and label maps in the layout of Cityscapes.

    `leftImg8bit/SPLIT/CITY/STEM_leftImg8bit.{png,jpg}` (or webp, avif, tif) and
    `gtFine/SPLIT/CITY/STEM_gtFine_{labelIds,instanceIds}.png`.

    Args:
        root: the folder with `leftImg8bit` and `gtFine`.
        annotations: the folder of the maps, and a part of their names: `gtFine` or `gtCoarse`.
        train_split: the folder of the training split: `train`, or `train_extra` (of gtCoarse).
        label_suffix: the end of the names of label maps: `labelIds`, or another such as `labelTrainIds`.
    """

    contents: ClassVar[str] = (
        "Cityscapes: leftImg8bit and gtFine inside; get it with csDownload, or set CITYSCAPES_DATASET"
    )
    instance_files: ClassVar[str] = "*_gtFine_instanceIds.png"

    def __init__(
        self,
        root: str | Path | None,
        annotations: str = "gtFine",
        train_split: str = "train",
        label_suffix: str = "labelIds",
    ) -> None:
        super().__init__(root)
        self.annotations = annotations
        self.train_split = train_split
        self.label_suffix = label_suffix

    def identity(self) -> dict[str, Any]:
        """The root's name, and settings other than the default."""
        own = {"annotations": "gtFine", "train_split": "train", "label_suffix": "labelIds"}
        return {**super().identity(), **{k: vars(self)[k] for k, usual in own.items() if vars(self)[k] != usual}}

    def splits(self) -> list[Split]:
        """The splits of `train`, `val` and `test` that have a folder of photos."""
        self._require_root()
        return [split for split in get_args(Split) if (self.root / "leftImg8bit" / self._folder(split)).is_dir()]

    def listing(self, split: Split) -> Listing:
        """The files of a split by `CITY/STEM`; see `Dataset.listing`."""
        self._require_root()
        photos, maps = (self.root / kind / self._folder(split) for kind in ("leftImg8bit", self.annotations))
        listing = Listing(photos, maps)
        listing.collect(listing.photos, _pictures(photos, *PHOTO_ENDINGS), photos, "_leftImg8bit")
        listing.collect(listing.labels, _pictures(maps, ".png"), maps, f"_{self.annotations}_{self.label_suffix}")
        listing.collect(listing.instances, _pictures(maps, ".png"), maps, f"_{self.annotations}_instanceIds")
        if not listing.photos and not listing.labels:
            raise DatasetError(
                f"The split {split!r} is empty: {photos} holds no */*_leftImg8bit.png or .jpg. Is the archive unpacked "
                "completely?"
            )
        return listing

    def exists(self) -> bool:
        """Whether there is a dataset of this layout at `root`."""
        return (self.root / "leftImg8bit").is_dir() and (self.root / self.annotations).is_dir()

    def _folder(self, split: Split) -> str:
        return self.train_split if split == "train" else split

    def _require_root(self) -> None:
        if not self.exists():
            raise DatasetError(
                f"No dataset at data.root={self.root}: it must hold the folders leftImg8bit and {self.annotations}. "
                "Get Cityscapes with `csDownload gtFine_trainvaltest.zip leftImg8bit_trainvaltest.zip` (a free "
                "account is needed) and unpack both there, or train on synthetic streets at once: "
                "`oasis train data=synthetic`."
            )


def _pictures(folder: Path, *endings: str) -> Iterable[Path]:
    return (path for path in folder.glob("*/*") if path.suffix.lower() in endings)
