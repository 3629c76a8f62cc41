"""Inspection of datasets, of encodings and of what generators see."""
