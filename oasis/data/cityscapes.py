"""Cityscapes, and any dataset with its layout."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, get_args

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
    """

    contents: ClassVar[str] = (
        "Cityscapes: leftImg8bit and gtFine inside; get it with csDownload, or set CITYSCAPES_DATASET"
    )
    instance_files: ClassVar[str] = "*_gtFine_instanceIds.png"

    def splits(self) -> list[Split]:
        """The splits of `train`, `val` and `test` that have a folder of photos."""
        self._require_root()
        return [split for split in get_args(Split) if (self.root / "leftImg8bit" / split).is_dir()]

    def listing(self, split: Split) -> Listing:
        """The files of a split by `CITY/STEM`; see `Dataset.listing`."""
        self._require_root()
        photos, maps = self.root / "leftImg8bit" / split, self.root / "gtFine" / split
        listing = Listing(photos, maps)
        listing.collect(listing.photos, _pictures(photos, *PHOTO_ENDINGS), photos, "_leftImg8bit")
        listing.collect(listing.labels, _pictures(maps, ".png"), maps, "_gtFine_labelIds")
        listing.collect(listing.instances, _pictures(maps, ".png"), maps, "_gtFine_instanceIds")
        if not listing.photos and not listing.labels:
            raise DatasetError(
                f"The split {split!r} is empty: {photos} holds no */*_leftImg8bit.png or .jpg. Is the archive unpacked "
                "completely?"
            )
        return listing

    def exists(self) -> bool:
        """Whether there is a dataset of this layout at `root`."""
        return (self.root / "leftImg8bit").is_dir() and (self.root / "gtFine").is_dir()

    def _require_root(self) -> None:
        if not self.exists():
            raise DatasetError(
                f"No dataset at data.root={self.root}: it must hold the folders leftImg8bit and gtFine. Get "
                "Cityscapes with `csDownload gtFine_trainvaltest.zip leftImg8bit_trainvaltest.zip` (a free "
                "account is needed) and unpack both there, or train on synthetic streets at once: "
                "`python train.py data=synthetic`."
            )


def _pictures(folder: Path, *endings: str) -> Iterable[Path]:
    return (path for path in folder.glob("*/*") if path.suffix.lower() in endings)
