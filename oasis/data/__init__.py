"""From files on disk to batches on the device."""

from oasis.data.cache import PreparedDataset
from oasis.data.cityscapes import CityscapesDataset
from oasis.data.datamodule import CityscapesDataModule

__all__ = ["CityscapesDataModule", "CityscapesDataset", "PreparedDataset"]
