"""Cityscapes, and any dataset that lies on disk as it does."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from oasis.data import reading
from oasis.data.consistency import Maps, OnInconsistentIds, consistent_label
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

Split = Literal["train", "val", "test"]


class Sample(TypedDict):
    """One photo with its maps, as integers straight from the files.

    image: (3, H, W) uint8; label: (H, W) uint8 raw label ids; instance: (H, W) int32 raw instance ids, zeros
    where the dataset has none; name: the file stem; index: the position in the split.
    """

    image: Tensor
    label: Tensor
    instance: Tensor
    name: str
    index: int


@dataclass(frozen=True)
class SampleFiles:
    """The files of one sample; `instance` is None where the dataset has no instance map."""

    name: str
    photo: Path
    label: Path
    instance: Path | None


class CityscapesDataset(Dataset[Sample]):
    """Photos and label maps in the layout of Cityscapes.

    `leftImg8bit/SPLIT/CITY/STEM_leftImg8bit.{png,jpg}` and
    `gtFine/SPLIT/CITY/STEM_gtFine_{labelIds,instanceIds}.png`. Names, sizes and modes of all files are checked
    when the dataset is made; what only decoding shows (torn files, stray ids) is checked as each is read.
    Nothing here is random: augmentation happens later, on the device.

    Args:
        root: the folder that holds `leftImg8bit` and `gtFine`.
        split: `train`, `val` or `test`.
        label_space: which raw ids may occur.
        height: rows of a sample.
        width: columns of a sample.
        needs_instances: refuse a dataset in which an instance map is missing.
        on_inconsistent_ids: what becomes of thing pixels that have another class in the label map; see
            `OnInconsistentIds`.

    Raises:
        ConfigurationError: no such policy.
        DatasetError: no dataset there, an empty split, a missing partner, sizes that differ within a pair, a
            file of the wrong kind.
    """

    photo_suffix: ClassVar[str] = "_leftImg8bit"
    label_suffix: ClassVar[str] = "_gtFine_labelIds"
    instance_suffix: ClassVar[str] = "_gtFine_instanceIds"

    def __init__(
        self,
        root: str | Path,
        split: Split,
        label_space: LabelSpace,
        height: int = 256,
        width: int = 512,
        needs_instances: bool = False,
        on_inconsistent_ids: str = OnInconsistentIds.ERROR,
    ) -> None:
        self.on_inconsistent_ids = OnInconsistentIds(on_inconsistent_ids)
        self.root = Path(root).expanduser()
        self.split = split
        self.label_space = label_space
        self.height = height
        self.width = width
        self.files = self._pair(needs_instances)
        with ThreadPoolExecutor(16) as pool:  # waits for the file system, not for Python
            for _ in pool.map(_check_headers, self.files):
                pass

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample.

        Raises:
            DatasetError: a file cannot be decoded, holds ids outside the label space, or the two maps contradict
                each other.
        """
        files = self.files[index]
        raw = reading.read_label_ids(files.label)
        self.label_space.check(raw, str(files.label))
        instance = np.zeros((self.height, self.width), np.int32)
        if files.instance is not None:
            raw_instance = reading.read_instance_ids(files.instance)
            maps = Maps(raw, raw_instance, files.label, files.instance)
            raw = consistent_label(maps, self.label_space, self.on_inconsistent_ids)  # whole: resizing may hide faults
            instance[:] = reading.nearest(raw_instance, self.height, self.width)
        label = reading.nearest(raw, self.height, self.width)
        photo = reading.read_photo(files.photo, self.height, self.width)
        return Sample(
            image=torch.from_numpy(photo).permute(2, 0, 1).contiguous(),
            label=torch.from_numpy(label),
            instance=torch.from_numpy(instance),
            name=files.name,
            index=index,
        )

    def fingerprint(self) -> str:
        """A short text that changes whenever a sample would: files, their sizes and times, picture size, classes."""
        hashed = hashlib.sha256()
        settings = (self.split, self.height, self.width, self.label_space, self.on_inconsistent_ids.value)
        hashed.update(repr(settings).encode())
        for path, (size, mtime) in self.file_states().items():
            hashed.update(f"{path.absolute()} {size} {mtime}".encode())
        return hashed.hexdigest()[:32]

    def file_states(self) -> dict[Path, tuple[int, int]]:
        """Size in bytes and time of change in nanoseconds of every file of the split, as they are now."""
        paths = (path for files in self.files for path in (files.photo, files.label, files.instance))
        states = ((path, path.stat()) for path in paths if path is not None)
        return {path: (state.st_size, state.st_mtime_ns) for path, state in states}

    def _pair(self, needs_instances: bool) -> list[SampleFiles]:
        photo_root = self.root / "leftImg8bit" / self.split
        label_root = self.root / "gtFine" / self.split
        if not (self.root / "leftImg8bit").is_dir() or not (self.root / "gtFine").is_dir():
            raise DatasetError(
                f"No dataset at data.root={self.root}: it must hold the folders leftImg8bit and gtFine. Get "
                "Cityscapes with `csDownload gtFine_trainvaltest.zip leftImg8bit_trainvaltest.zip` (a free "
                "account is needed) and unpack both there, or train on synthetic streets at once: "
                "`python train.py data=synthetic`."
            )
        photos = _by_stem(_pictures(photo_root, (".png", ".jpg", ".jpeg")), photo_root, self.photo_suffix)
        labels = _by_stem(_pictures(label_root, (".png",)), label_root, self.label_suffix)
        instances = _by_stem(_pictures(label_root, (".png",)), label_root, self.instance_suffix)
        if not photos and not labels:
            raise DatasetError(
                f"The split {self.split!r} is empty: {photo_root} holds no */*{self.photo_suffix}.png or .jpg. "
                "Is the archive unpacked completely?"
            )
        _require_partners(photos, labels, f"label map in {label_root}")
        _require_partners(labels, photos, f"photo in {photo_root}")
        if needs_instances:
            _require_partners(
                photos,
                instances,
                f"instance map in {label_root}, which this encoding needs (`semantic` does not)",
            )
        return [SampleFiles(Path(s).name, photos[s], labels[s], instances.get(s)) for s in sorted(photos)]


def _pictures(folder: Path, endings: tuple[str, ...]) -> Iterable[Path]:
    return (path for path in folder.glob("*/*") if path.suffix.lower() in endings)


def _by_stem(paths: Iterable[Path], folder: Path, suffix: str) -> dict[str, Path]:
    """Map `CITY/STEM` to the file, for files called `STEM` + `suffix`."""
    found: dict[str, Path] = {}
    for path in paths:
        if not path.stem.endswith(suffix):
            continue
        key = path.relative_to(folder).with_name(path.stem.removesuffix(suffix)).as_posix()
        if key in found:
            raise DatasetError(f"{found[key]} and {path.name} are two files for one sample; remove one of them.")
        found[key] = path
    return found


def _require_partners(having: dict[str, Path], partners: dict[str, Path], what: str) -> None:
    missing = sorted(having.keys() - partners.keys())
    if missing:
        listing = ", ".join(str(having[stem]) for stem in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise DatasetError(
            f"{len(missing)} of {len(having)} files have no {what}: {listing}{more}. Add the partners, or remove "
            "these files."
        )


def _check_headers(files: SampleFiles) -> None:
    size = reading.check_photo_header(files.photo)
    _require_size(files.label, reading.check_label_header(files.label), files.photo, size)
    if files.instance is not None:
        _require_size(files.instance, reading.check_instance_header(files.instance), files.photo, size)


def _require_size(path: Path, size: tuple[int, int], photo: Path, expected: tuple[int, int]) -> None:
    if size != expected:
        raise DatasetError(
            f"{path} is {size[0]}x{size[1]} but its photo {photo} is {expected[0]}x{expected[1]} (width x height): "
            "the two do not belong together, or one was resized. Restore the original."
        )
