"""Segmenters: networks trained on real photos that find classes and instances in a picture.

An extension point: a class in its own file, and a `conf/segmenter/NAME.yaml` with its factory, see `SegmenterSource`.
"""

from oasis.segmenters.base import Prediction, Segmenter, SegmenterSource
from oasis.segmenters.drn import DRNSegmenter
from oasis.segmenters.mask2former import Mask2FormerSegmenter
from oasis.segmenters.transformers_models import TransformersSegmenter
from oasis.segmenters.unet import UNetSegmenter

__all__ = [
    "DRNSegmenter",
    "Mask2FormerSegmenter",
    "Prediction",
    "Segmenter",
    "SegmenterSource",
    "TransformersSegmenter",
    "UNetSegmenter",
]
