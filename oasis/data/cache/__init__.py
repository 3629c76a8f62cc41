"""Samples that were decoded and resized once, as arrays that are read by copying memory."""

from oasis.data.cache.container import Container
from oasis.data.cache.dataset import PreparedDataset
from oasis.data.cache.writer import prepare

__all__ = ["Container", "PreparedDataset", "prepare"]
