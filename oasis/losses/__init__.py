"""Losses: pure functions and thin modules."""

from oasis.losses.adversarial import NPlusOneLoss
from oasis.losses.instances import InstanceLoss
from oasis.losses.label_mix import Mix, MixClasses, MixSegments, label_mix, label_mix_loss
from oasis.losses.perceptual import VGGPerceptualLoss

__all__ = [
    "InstanceLoss",
    "Mix",
    "MixClasses",
    "MixSegments",
    "NPlusOneLoss",
    "VGGPerceptualLoss",
    "label_mix",
    "label_mix_loss",
]
