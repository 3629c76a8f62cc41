"""Samples that were decoded and resized once, as arrays that are read by copying memory."""

from oasis.data.prepared.container import Container
from oasis.data.prepared.dataset import PreparedDataset
from oasis.data.prepared.writer import prepare

__all__ = ["Container", "PreparedDataset", "prepare"]
