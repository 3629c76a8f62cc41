"""From files on disk to batches on the device."""

from oasis.data.building import build_data_module
from oasis.data.cache import CachedSamples
from oasis.data.cityscapes import Cityscapes
from oasis.data.datamodule import LabelMapDataModule
from oasis.data.dataset import Dataset
from oasis.data.file_samples import FileSamples
from oasis.data.streets import Streets

DATASETS = ("Cityscapes", "Streets")
"""Names of the datasets, one class per layout."""

__all__ = [
    "DATASETS",
    "CachedSamples",
    "Cityscapes",
    "Dataset",
    "FileSamples",
    "LabelMapDataModule",
    "Streets",
    "build_data_module",
]
