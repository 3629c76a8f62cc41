"""What is measured on pictures: metrics, the networks that describe pictures, and segmenters."""

from oasis.metrics.distances import FeatureDistances, frechet_distance, kernel_distance, kernel_spread
from oasis.metrics.diversity import Diversity, LPIPSDistance
from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.inception import InceptionFeatures, InceptionFeaturesOASIS, inception_extractors
from oasis.metrics.instance_colors import InstanceColors
from oasis.metrics.names import describe, higher_is_better, known_names, split_class
from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.per_image import PerImage
from oasis.metrics.pixel_scores import PixelScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segmenter_features import SegmenterFeatures
from oasis.metrics.sources import ExtractorSource, SegmenterSource, inception, mask2former, segmenter_features, unet
from oasis.segmenters import Mask2FormerSegmenter, Prediction, Segmenter, UNetSegmenter

__all__ = [
    "Diversity",
    "ExtractorSource",
    "FeatureDistances",
    "FeatureExtractor",
    "InceptionFeatures",
    "InceptionFeaturesOASIS",
    "InstanceColors",
    "LPIPSDistance",
    "Mask2FormerSegmenter",
    "PanopticScores",
    "PerImage",
    "PixelScores",
    "Prediction",
    "ScoredClasses",
    "Segmenter",
    "SegmenterFeatures",
    "SegmenterSource",
    "UNetSegmenter",
    "describe",
    "frechet_distance",
    "higher_is_better",
    "inception",
    "inception_extractors",
    "kernel_distance",
    "kernel_spread",
    "known_names",
    "mask2former",
    "segmenter_features",
    "split_class",
    "unet",
]
