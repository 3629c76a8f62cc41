"""Scores of fakes, and features of the real photos they are compared with."""

from oasis.scoring.metric_networks import MetricNetworks, load_metric_networks, segmenter_file
from oasis.scoring.photos import RealPhotos
from oasis.scoring.scorer import (
    AVERAGE_PRECISION,
    COLORS,
    FEWEST_PHOTOS,
    SEGMENTER_PREFIX,
    Scorer,
    has_average_precision,
    real_features,
    scores_of_photos,
)
from oasis.scoring.stopwatch import Stopwatch

__all__ = [
    "AVERAGE_PRECISION",
    "COLORS",
    "FEWEST_PHOTOS",
    "SEGMENTER_PREFIX",
    "MetricNetworks",
    "RealPhotos",
    "Scorer",
    "Stopwatch",
    "has_average_precision",
    "load_metric_networks",
    "real_features",
    "scores_of_photos",
    "segmenter_file",
]
