"""Checkpoints measured side by side, and the report of it."""

from oasis.comparison.measure import Evaluation, load_lpips
from oasis.comparison.painters import Painter, open_painters, own_data, own_data_config, untrained
from oasis.comparison.report import write_report
from oasis.comparison.results import Column, Comparison, Score, read_json
from oasis.comparison.table import results_table

__all__ = [
    "Column",
    "Comparison",
    "Evaluation",
    "Painter",
    "Score",
    "load_lpips",
    "open_painters",
    "own_data",
    "own_data_config",
    "read_json",
    "results_table",
    "untrained",
    "write_report",
]
