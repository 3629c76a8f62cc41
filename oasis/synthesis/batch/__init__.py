"""The implementation of `oasis generate`: pictures from many label maps or photos."""

from oasis.synthesis.batch.options import GenerateOptions

__all__ = ["GenerateOptions"]
