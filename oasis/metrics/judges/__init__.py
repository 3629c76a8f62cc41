"""Judges: networks that were trained on real photos and say what they see in a picture."""

from oasis.metrics.judges.base import Judge, Verdict
from oasis.metrics.judges.features import JudgeFeatures
from oasis.metrics.judges.mask2former import Mask2FormerJudge
from oasis.metrics.judges.unet import UNetJudge

__all__ = ["Judge", "JudgeFeatures", "Mask2FormerJudge", "UNetJudge", "Verdict"]
