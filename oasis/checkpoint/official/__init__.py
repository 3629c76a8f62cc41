"""Conversion of the official OASIS's state dicts to checkpoints of this project."""

from oasis.checkpoint.official.importing import import_official

__all__ = ["import_official"]
