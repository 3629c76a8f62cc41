"""Inspection of datasets and of encodings."""
