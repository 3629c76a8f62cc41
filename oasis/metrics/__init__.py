"""What is measured on pictures: metrics, the networks that describe pictures, and judges."""

from oasis.metrics.distances import FeatureDistances, frechet_distance, kernel_distance, kernel_spread
from oasis.metrics.diversity import Diversity, LPIPSDistance
from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.inception import InceptionFeatures, InceptionFeaturesOASIS, inception_extractors
from oasis.metrics.instance_colors import InstanceColors
from oasis.metrics.judges import Judge, JudgeFeatures, Mask2FormerJudge, UNetJudge, Verdict
from oasis.metrics.names import describe, higher_is_better, split_class
from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.per_image import PerImage
from oasis.metrics.pixel_scores import PixelScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.sources import ExtractorSource, JudgeSource, inception, judge_features, mask2former, unet

__all__ = [
    "Diversity",
    "ExtractorSource",
    "FeatureDistances",
    "FeatureExtractor",
    "InceptionFeatures",
    "InceptionFeaturesOASIS",
    "InstanceColors",
    "Judge",
    "JudgeFeatures",
    "JudgeSource",
    "LPIPSDistance",
    "Mask2FormerJudge",
    "PanopticScores",
    "PerImage",
    "PixelScores",
    "ScoredClasses",
    "UNetJudge",
    "Verdict",
    "describe",
    "frechet_distance",
    "higher_is_better",
    "inception",
    "inception_extractors",
    "judge_features",
    "kernel_distance",
    "kernel_spread",
    "mask2former",
    "split_class",
    "unet",
]
