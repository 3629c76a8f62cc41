"""Conversion of the state dicts of the official OASIS, SPADE and pix2pixHD to checkpoints of this project."""

from oasis.checkpoint.official.importing import import_official

__all__ = ["import_official"]
