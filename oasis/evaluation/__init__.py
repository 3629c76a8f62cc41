"""All scores of one stream of fakes, and the real photos they are compared with."""

from oasis.evaluation.instruments import Instruments, judge_file, load_instruments
from oasis.evaluation.photos import RealPhotos
from oasis.evaluation.scorer import COLORS, JUDGED, Scorer, real_features, scores_of_photos
from oasis.evaluation.stopwatch import Stopwatch

__all__ = [
    "COLORS",
    "JUDGED",
    "Instruments",
    "RealPhotos",
    "Scorer",
    "Stopwatch",
    "judge_file",
    "load_instruments",
    "real_features",
    "scores_of_photos",
]
