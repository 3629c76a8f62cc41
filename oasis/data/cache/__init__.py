"""A cache of decoded and resized samples, as memory-mapped arrays."""

from oasis.data.cache.container import Container
from oasis.data.cache.samples import CachedSamples
from oasis.data.cache.writer import build_cache

__all__ = ["CachedSamples", "Container", "build_cache"]
