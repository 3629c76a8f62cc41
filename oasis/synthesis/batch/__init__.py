"""Many label maps or photos to pictures in a folder: what `oasis generate` runs."""

from oasis.synthesis.batch.options import GenerateOptions

__all__ = ["GenerateOptions"]
