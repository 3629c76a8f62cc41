"""From files on disk to batches on the device."""

from oasis.data.cityscapes import CityscapesDataset
from oasis.data.datamodule import CityscapesDataModule
from oasis.data.prepared import PreparedDataset

__all__ = ["CityscapesDataModule", "CityscapesDataset", "PreparedDataset"]
