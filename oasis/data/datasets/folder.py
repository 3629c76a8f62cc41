"""Photos and maps in folders of any names."""

import glob
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, get_args

import numpy as np

from oasis.data.dataset import Dataset
from oasis.data.datasets.split_lists import read_split_lists
from oasis.data.files.opening import PHOTO_ENDINGS
from oasis.data.instance_maps import find_instance_format
from oasis.data.listing import Listing
from oasis.data.sample import Split
from oasis.errors import ConfigurationError, DatasetError

_NAMES: dict[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test",
    "testing": "test",
}  # fmt: skip


class Folder(Dataset):
    """Photos, label maps and, optionally, instance maps, each in a folder or matched by a pattern.

    Label maps are grey 8-bit pictures of raw label ids; how instance maps are stored, says `instance_format`. Files
    belong together if their names agree, without endings and the given suffixes, and so do their paths, as far as the
    patterns leave them open: `images/a/0001.jpg` and `labels/a/0001.png`, or `a/images/0001.jpg` and
    `a/labels/0001.png`.

    Which split a sample is in, says the first of these that applies:

    - `splits`: lists of names, one a line.
    - A folder called `train`, `val` or `test` in its path (or `training`, `valid`, `validation`, `testing`).
    - All others are for training.

    Args:
        root: the folder to which all other paths are relative.
        photos: a folder, with all folders in it, or a pattern such as `*/images` or `*/images/*.jpg`.
        labels: the same for label maps.
        instances: the same for instance maps; None = there are none.
        instance_format: how these are stored, a name in `INSTANCE_FORMATS`.
        photo_suffix: the end of the photos' names, before the dot, such as `_leftImg8bit`.
        label_suffix: the same for label maps.
        instance_suffix: the same for instance maps.
        splits: split -> a text file with its samples, as names without endings or as paths of photos.
        val_fraction: the share of the training samples, listed or not, that is for validation instead, drawn at random.
        split_seed: of that draw.

    Raises:
        ConfigurationError: no root; a path that leads out of it; no such split or format; a share outside [0, 1).
    """

    contents: ClassVar[str] = "photos and label maps: data.photos and data.labels name their folders in it"
    instance_files: ClassVar[str] = "data.instances"

    def __init__(
        self,
        root: str | Path | None,
        photos: str = "images",
        labels: str = "labels",
        instances: str | None = None,
        instance_format: str = "cityscapes",
        photo_suffix: str = "",
        label_suffix: str = "",
        instance_suffix: str = "",
        splits: Mapping[str, str | None] | None = None,
        val_fraction: float = 0.0,
        split_seed: int = 0,
    ) -> None:
        super().__init__(root)
        self.instance_maps = find_instance_format(instance_format)
        self.instance_format = instance_format
        self.patterns = {"photos": photos, "labels": labels, "instances": instances}
        self.suffixes = {"photos": photo_suffix, "labels": label_suffix, "instances": instance_suffix}
        self.lists = {split: path for split, path in (splits or {}).items() if path is not None}
        self.val_fraction = val_fraction
        self.split_seed = split_seed
        for name, path in (*self.patterns.items(), *((f"splits.{split}", path) for split, path in self.lists.items())):
            _require_pattern(name, path)
        unknown = self.lists.keys() - {*get_args(Split)}
        if unknown:
            raise ConfigurationError(
                f"data.splits.{min(unknown)}: no such split; there are {', '.join(get_args(Split))}."
            )
        if not 0 <= val_fraction < 1:
            raise ConfigurationError(f"data.val_fraction={val_fraction}: a share of the training samples, 0 to 1.")

    def identity(self) -> dict[str, Any]:
        """The root's name and all other settings; the format of instance maps only if it is not the usual one."""
        form = {} if self.instance_format == "cityscapes" else {"instance_format": self.instance_format}
        own = {**form, "lists": self.lists, "val_fraction": self.val_fraction, "split_seed": self.split_seed}
        return {**super().identity(), **self.patterns, "suffixes": self.suffixes, **own}

    def splits(self) -> list[Split]:
        """The splits that have samples.

        Raises:
            DatasetError: no photos or no label maps at `root`; see also `read_split_lists`.
        """
        found = set(self._split_of(self._all()).values())
        return [split for split in get_args(Split) if split in found]

    def listing(self, split: Split) -> Listing:
        """The files of a split; see `Dataset.listing` and `splits`."""
        listing = self._all()
        split_of = self._split_of(listing)
        for found in (listing.photos, listing.labels, listing.instances):
            for key in [key for key in found if split_of.get(key) != split]:
                del found[key]
        if not listing.photos and not listing.labels:
            others = ", ".join(sorted(set(split_of.values())))
            raise DatasetError(
                f"The split {split!r} is empty: data.root={self.root} has samples of {others}. Splits are folders "
                "called train, val and test, or lists (data.splits.train=FILE), or drawn (data.val_fraction=0.1)."
            )
        return listing

    def _all(self) -> Listing:
        """The files of all splits."""
        photos, labels, instances = (self.root / (pattern or "") for pattern in self.patterns.values())
        listing = Listing(photos, labels, instances)
        for name, found in (
            ("photos", listing.photos),
            ("labels", listing.labels),
            ("instances", listing.instances),
        ):
            pattern = self.patterns[name]
            if pattern is None:
                continue
            for path, key in self._matches(pattern):
                listing.add(found, path, path.relative_to(self.root), key, self.suffixes[name])
            if not found:
                suffix = f" with a name that ends in {self.suffixes[name]!r}" if self.suffixes[name] else ""
                raise DatasetError(
                    f"data.{name}={pattern}: no picture{suffix} is there below data.root={self.root}. Name a folder, "
                    "or a pattern such as 'images/*.jpg'."
                )
        if listing.instances and listing.instances.keys().isdisjoint(listing.photos):
            raise DatasetError(
                f"data.instances={self.patterns['instances']}: none of {len(listing.instances)} instance maps belongs "
                f"to a photo: {min(listing.instances)} and {min(listing.photos)} have to agree: see "
                "data.photo_suffix and data.instance_suffix."
            )
        return listing

    def _matches(self, pattern: str) -> Iterator[tuple[Path, PurePosixPath]]:
        """Each file that the pattern matches, and the parts of its path that the pattern leaves open."""
        names = self._glob(pattern)
        if names and all((self.root / name).is_dir() for name in names):
            pattern = f"{PurePosixPath(pattern)}/{'*' if '**' in pattern else '**/*'}"
            names = self._glob(pattern)
        for name in names:
            path = self.root / name
            if path.suffix.lower() in PHOTO_ENDINGS or not path.is_dir():
                yield path, _open_parts(PurePosixPath(pattern).parts, PurePosixPath(Path(name).as_posix()).parts)

    def _glob(self, pattern: str) -> list[str]:
        """The paths that match, below the root; follows links to folders, which `Path.glob` does not."""
        return sorted(glob.iglob(pattern, root_dir=self.root, recursive=True, include_hidden=True))

    def _split_of(self, listing: Listing) -> dict[str, Split]:
        """The split of each sample."""
        if self.lists:
            lists = {split: self.root / path for split, path in self.lists.items()}
            split_of = read_split_lists(lists, self.root, listing)
        else:
            split_of = _by_folders(listing, self.root)
        if self.val_fraction:
            if "val" in split_of.values():
                found = f"data.splits.val={self.lists['val']} lists" if self.lists else f"{self.root} has a folder of"
                raise ConfigurationError(
                    f"data.val_fraction={self.val_fraction}: {found} validation samples already. Leave one of them out."
                )
            training = sorted(key for key, split in split_of.items() if split == "train")
            count = max(1, round(self.val_fraction * len(training)))
            drawn = np.random.default_rng(self.split_seed).permutation(len(training))[:count]
            split_of |= dict.fromkeys((training[index] for index in drawn), "val")
        return split_of


def _by_folders(listing: Listing, root: Path) -> dict[str, Split]:
    """The split of each sample by the names of its folders."""
    split_of: dict[str, Split] = {}
    for found in (listing.instances, listing.labels, listing.photos):
        for key, path in found.items():
            parts = [part.lower() for part in path.relative_to(root).parts[:-1]]
            split_of[key] = next((_NAMES[part] for part in parts if part in _NAMES), "train")
    return split_of


def _open_parts(pattern: tuple[str, ...], path: tuple[str, ...]) -> PurePosixPath:
    """The parts of a path that a pattern leaves open: `images/*/*.jpg` and `images/a/0001.jpg` give `a/0001.jpg`."""
    if "**" in pattern:
        place = pattern.index("**")
        pattern = (*pattern[:place], *["*"] * (len(path) - len(pattern) + 1), *pattern[place + 1 :])
    return PurePosixPath(*(part for part, own in zip(path, pattern, strict=True) if glob.has_magic(own)))


def _require_pattern(name: str, path: str | None) -> None:
    if path is not None and (not path or Path(path).is_absolute() or ".." in Path(path).parts):
        raise ConfigurationError(f"data.{name}={path}: not a path below data.root; link other places there.")
    if path is not None and path.count("**") > 1:
        raise ConfigurationError(f"data.{name}={path}: ** may stand once, for any number of folders.")
