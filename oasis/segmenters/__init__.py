"""Segmenters: networks that were trained on real photos and say what they see in a picture."""

from oasis.segmenters.base import Prediction, Segmenter
from oasis.segmenters.mask2former import Mask2FormerSegmenter
from oasis.segmenters.unet import UNetSegmenter

__all__ = ["Mask2FormerSegmenter", "Prediction", "Segmenter", "UNetSegmenter"]
