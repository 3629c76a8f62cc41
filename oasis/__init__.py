"""Panoptic OASIS: label maps to photos, and how best to show a panoptic label map to the networks."""

__version__ = "0.1.0"
