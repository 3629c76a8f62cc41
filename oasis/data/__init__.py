"""From files on disk to batches on the device."""

from typing import TYPE_CHECKING, Any

from oasis.data.building import build_data_module
from oasis.data.cache import CachedSamples
from oasis.data.dataset import Dataset
from oasis.data.datasets.ade20k import ADE20K
from oasis.data.datasets.bdd100k import BDD100K
from oasis.data.datasets.cityscapes import Cityscapes
from oasis.data.datasets.coco_panoptic import COCOPanoptic
from oasis.data.datasets.coco_stuff import COCOStuff
from oasis.data.datasets.folder import Folder
from oasis.data.datasets.mapillary import Mapillary
from oasis.data.datasets.streets import Streets
from oasis.data.file_samples import FileSamples

if TYPE_CHECKING:
    from oasis.data.datamodule import LabelMapDataModule

DATASETS = ("ADE20K", "BDD100K", "COCOPanoptic", "COCOStuff", "Cityscapes", "Folder", "Mapillary", "Streets")
"""Names of the datasets, one class per layout."""

__all__ = [
    "ADE20K",
    "BDD100K",
    "DATASETS",
    "COCOPanoptic",
    "COCOStuff",
    "CachedSamples",
    "Cityscapes",
    "Dataset",
    "FileSamples",
    "Folder",
    "LabelMapDataModule",
    "Mapillary",
    "Streets",
    "build_data_module",
]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: it is Lightning's, which takes seconds that reading a single file need not wait for.
    if name == "LabelMapDataModule":
        from oasis.data.datamodule import LabelMapDataModule

        return LabelMapDataModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
