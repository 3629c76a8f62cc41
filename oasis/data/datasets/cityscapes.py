"""Cityscapes, and any dataset with its layout."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from oasis.data.dataset import Dataset, require_numbering
from oasis.data.faults import ForeignIdsError
from oasis.data.files.meaning import TRAIN_IDS
from oasis.data.files.opening import MAP_ENDINGS, MAX_PIXELS, PHOTO_ENDINGS, is_hidden
from oasis.data.listing import Listing
from oasis.data.sample import Split
from oasis.errors import DatasetError
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS
from oasis.labels import LabelSpace

_LABEL_ID_OF = np.array([{**TRAIN_IDS, 255: 0}.get(raw, -1) for raw in range(RAW_IDS)])  # of each train id


class Cityscapes(Dataset):
    """Photos and label maps in the layout of Cityscapes.

    `leftImg8bit/SPLIT/CITY/STEM_leftImg8bit.{png,jpg}` (or webp, avif, tif) and
    `gtFine/SPLIT/CITY/STEM_gtFine_{labelIds,instanceIds}.png`.

    Args:
        root: the folder with `leftImg8bit` and `gtFine`.
        annotations: the folder of the maps, and a part of their names: `gtFine` or `gtCoarse`.
        train_split: the folder of the training split: `train`, or `train_extra` (of gtCoarse).
        label_suffix: the end of the names of label maps: `labelIds`, or another. `labelTrainIds` hold train ids, which
            become label ids, 255 the 0 of unlabelled pixels: instance maps and label spaces are the same for both.
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
        listing.collect(listing.labels, _pictures(maps, *MAP_ENDINGS), maps, f"_{self.annotations}_{self.label_suffix}")
        listing.collect(listing.instances, _pictures(maps, *MAP_ENDINGS), maps, f"_{self.annotations}_instanceIds")
        if not listing.photos and not listing.labels:
            raise DatasetError(
                f"The split {split!r} is empty: {photos} holds no */*_leftImg8bit.png or .jpg. Is the archive unpacked "
                "completely?"
            )
        return listing

    def read_label(self, path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """Raw label ids, also of `labelTrainIds`; see `Dataset.read_label`.

        Raises:
            DatasetError: also if there are other numbers than train ids in `labelTrainIds`.
        """
        raw = super().read_label(path, max_pixels)
        return _of_train_ids(raw, path) if self._has_train_ids else raw

    def instance_ids(
        self, label: NDArray[np.uint8], instance: NDArray[np.int32], label_space: LabelSpace
    ) -> NDArray[np.int32]:
        """Raw instance ids; beside `labelTrainIds` only of classes with a train id. See `Dataset.instance_ids`."""
        if not self._has_train_ids:
            return super().instance_ids(label, instance, label_space)
        single = np.isin(instance // INSTANCES_PER_CLASS, list(TRAIN_IDS.values()))
        return np.where(single, instance, label).astype(np.int32)

    def require_label_space(self, label_space: LabelSpace) -> None:
        """Refuse label spaces of train ids, since these become label ids; see `Dataset.require_label_space`."""
        if self._has_train_ids:
            require_numbering(
                label_space,
                LabelSpace.cityscapes_ids(),
                f"data.label_suffix={self.label_suffix} (read as label ids)",
                "Use label_space=cityscapes_train_ids, or another one of label ids; maps with numbers of their own are "
                "for data=folder",
            )

    def exists(self) -> bool:
        """Whether there is a dataset of this layout at `root`."""
        return (self.root / "leftImg8bit").is_dir() and (self.root / self.annotations).is_dir()

    @property
    def _has_train_ids(self) -> bool:
        return self.label_suffix == "labelTrainIds"

    def _folder(self, split: Split) -> str:
        return self.train_split if split == "train" else split

    def _require_root(self) -> None:
        if not self.exists():
            found = sorted(path.name for path in self.root.glob("*") if not is_hidden(Path(path.name)))
            if found and not {"leftImg8bit", self.annotations} & {*found}:
                raise DatasetError(
                    f"data.root={self.root} has another layout than Cityscapes, which is leftImg8bit and "
                    f"{self.annotations}: it holds {_listing(found)}. Name its layout: data=folder for photos and maps "
                    "in folders of any names (docs/your-data.md), or that of another dataset (docs/data.md)."
                )
            raise DatasetError(
                f"No dataset at data.root={self.root}: it must hold the folders leftImg8bit and {self.annotations}. "
                "Get Cityscapes with `csDownload gtFine_trainvaltest.zip leftImg8bit_trainvaltest.zip` (a free "
                "account is needed) and unpack both there, or train on synthetic streets at once: "
                "`oasis train data=synthetic`."
            )


def _of_train_ids(raw: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """The label id of each train id."""
    found = _LABEL_ID_OF[raw]
    if (found < 0).any():
        raise ForeignIdsError(
            f"{path}: {', '.join(map(str, np.unique(raw[found < 0])[:8]))}: no train ids of Cityscapes, which are 0 to "
            "18, and 255. If these are label ids: data.label_suffix=labelIds; maps with numbers of their own are for "
            "data=folder."
        )
    return found.astype(np.uint8)


def _listing(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _pictures(folder: Path, *endings: str) -> Iterable[Path]:
    return (path for path in folder.glob("*/*") if path.suffix.lower() in endings)
