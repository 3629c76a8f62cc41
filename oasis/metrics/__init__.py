"""Metrics, and the feature extractors that some of them use."""

from oasis.metrics.average_precision import AveragePrecision
from oasis.metrics.distance_names import against
from oasis.metrics.diversity import Diversity, LPIPSDistance
from oasis.metrics.extractor import FeatureExtractor, FrozenExtractor
from oasis.metrics.feature_distances import Distance, FeatureDistances, frechet_and_kernel
from oasis.metrics.found_instances import FoundInstances
from oasis.metrics.inception import inception_extractors
from oasis.metrics.instance_colors import InstanceColors
from oasis.metrics.names import describe, higher_is_better, known_names, split_class
from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.pixel_scores import PixelScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segmenter_features import SegmenterFeatures
from oasis.metrics.segments import match_all
from oasis.metrics.sources import ExtractorSource, clip, dinov2, inception, listed, segmenter_features

__all__ = [
    "AveragePrecision",
    "Distance",
    "Diversity",
    "ExtractorSource",
    "FeatureDistances",
    "FeatureExtractor",
    "FoundInstances",
    "FrozenExtractor",
    "InstanceColors",
    "LPIPSDistance",
    "PanopticScores",
    "PixelScores",
    "ScoredClasses",
    "SegmenterFeatures",
    "against",
    "clip",
    "describe",
    "dinov2",
    "frechet_and_kernel",
    "higher_is_better",
    "inception",
    "inception_extractors",
    "known_names",
    "listed",
    "match_all",
    "segmenter_features",
    "split_class",
]
