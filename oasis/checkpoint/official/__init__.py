"""State dicts of the official OASIS, made checkpoints of this project."""

from oasis.checkpoint.official.importing import import_official

__all__ = ["import_official"]
