"""Datasets with one folder of photos and one of maps for each split."""

from abc import abstractmethod
from pathlib import Path
from typing import NamedTuple, get_args

from oasis.data.dataset import Dataset
from oasis.data.listing import Listing
from oasis.data.sample import Split
from oasis.errors import DatasetError


class SplitFolders(NamedTuple):
    """The folders of one split; `instances` is None if the dataset has no instance maps."""

    photos: Path
    labels: Path
    instances: Path | None


class PairedFolders(Dataset):
    """A dataset whose files are paired by their names without the ending: `a/0001.jpg` with `b/0001.png`."""

    @abstractmethod
    def folders(self, split: Split) -> SplitFolders:
        """Where the files of a split would be; the folders need not exist."""

    def splits(self) -> list[Split]:
        """The splits that have a folder of photos and one of label maps.

        Raises:
            DatasetError: there is none.
        """
        found = [split for split in get_args(Split) if _exist(self.folders(split))]
        if not found:
            raise DatasetError(f"No dataset at data.root={self.root}: it must hold {self.contents}.")
        return found

    def listing(self, split: Split) -> Listing:
        """The files of a split by their names; see `Dataset.listing`."""
        folders = self.folders(split)
        if split not in self.splits():
            raise DatasetError(f"The split {split!r} is empty: {folders.photos} or {folders.labels} does not exist.")
        listing = Listing(folders.photos, folders.labels, folders.instances)
        listing.collect(listing.photos, folders.photos.glob("*"), folders.photos, "")
        listing.collect(listing.labels, folders.labels.glob("*"), folders.labels, "")
        if folders.instances is not None:
            listing.collect(listing.instances, folders.instances.glob("*"), folders.instances, "")
        if not listing.photos and not listing.labels:
            raise DatasetError(f"The split {split!r} is empty: {folders.photos} holds no photos.")
        return listing


def _exist(folders: SplitFolders) -> bool:
    return folders.photos.is_dir() and folders.labels.is_dir()
