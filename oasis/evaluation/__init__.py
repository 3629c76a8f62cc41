"""Evaluation and comparison of checkpoints, and of pictures of other programs."""

from oasis.evaluation.diversity import load_lpips
from oasis.evaluation.evaluated_models import EvaluatedModel, open_models, untrained
from oasis.evaluation.measure import Evaluation
from oasis.evaluation.picture_finder import PictureFinder, PictureFolders
from oasis.evaluation.pictures import Pictures, Resizing
from oasis.evaluation.report import write_report
from oasis.evaluation.results import Column, Comparison, Score, read_json
from oasis.evaluation.sources import PictureSource
from oasis.evaluation.table import results_table

__all__ = [
    "Column",
    "Comparison",
    "EvaluatedModel",
    "Evaluation",
    "PictureFinder",
    "PictureFolders",
    "PictureSource",
    "Pictures",
    "Resizing",
    "Score",
    "load_lpips",
    "open_models",
    "read_json",
    "results_table",
    "untrained",
    "write_report",
]
