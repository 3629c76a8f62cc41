"""Metrics, and the feature extractors that some of them use."""

from oasis.metrics.average_precision import AveragePrecision
from oasis.metrics.distances import FeatureDistances
from oasis.metrics.diversity import Diversity, LPIPSDistance
from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.found_instances import FoundInstances
from oasis.metrics.inception import inception_extractors
from oasis.metrics.instance_colors import InstanceColors
from oasis.metrics.names import describe, higher_is_better, known_names, split_class
from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.pixel_scores import PixelScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segmenter_features import SegmenterFeatures
from oasis.metrics.segments import match_all
from oasis.metrics.sources import ExtractorSource, inception, segmenter_features

__all__ = [
    "AveragePrecision",
    "Diversity",
    "ExtractorSource",
    "FeatureDistances",
    "FeatureExtractor",
    "FoundInstances",
    "InstanceColors",
    "LPIPSDistance",
    "PanopticScores",
    "PixelScores",
    "ScoredClasses",
    "SegmenterFeatures",
    "describe",
    "higher_is_better",
    "inception",
    "inception_extractors",
    "known_names",
    "match_all",
    "segmenter_features",
    "split_class",
]
