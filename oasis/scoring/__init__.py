"""Scores of fakes, and features of the real photos they are compared with."""

from oasis.scoring.metric_networks import MetricNetworks, load_metric_networks, segmenter_file
from oasis.scoring.photos import RealPhotos, maps_for
from oasis.scoring.protocols import Protocols, protocol_lines
from oasis.scoring.scorer import COLORS, FEWEST_PHOTOS, Scorer, real_features, scores_of_photos
from oasis.scoring.segmenter_scores import AVERAGE_PRECISION, OF_CLASSES, SEGMENTER_PREFIX, has_average_precision
from oasis.scoring.stopwatch import Stopwatch

__all__ = [
    "AVERAGE_PRECISION",
    "COLORS",
    "FEWEST_PHOTOS",
    "OF_CLASSES",
    "SEGMENTER_PREFIX",
    "MetricNetworks",
    "Protocols",
    "RealPhotos",
    "Scorer",
    "Stopwatch",
    "has_average_precision",
    "load_metric_networks",
    "maps_for",
    "protocol_lines",
    "real_features",
    "scores_of_photos",
    "segmenter_file",
]
