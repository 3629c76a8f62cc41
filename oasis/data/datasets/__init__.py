"""Datasets, one class per layout of files."""
