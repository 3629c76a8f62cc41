"""Losses: pure functions and thin modules."""

from oasis.losses.adversarial import NPlusOneLoss
from oasis.losses.feature_matching import feature_matching_loss
from oasis.losses.hinge import hinge_fake_loss, hinge_generator_loss, hinge_real_loss
from oasis.losses.instances import InstanceLoss
from oasis.losses.label_mix import Mix, MixClasses, MixSegments, label_mix, label_mix_loss
from oasis.losses.least_squares import least_squares_loss
from oasis.losses.perceptual import VGGPerceptualLoss
from oasis.losses.style import style_divergence

__all__ = [
    "InstanceLoss",
    "Mix",
    "MixClasses",
    "MixSegments",
    "NPlusOneLoss",
    "VGGPerceptualLoss",
    "feature_matching_loss",
    "hinge_fake_loss",
    "hinge_generator_loss",
    "hinge_real_loss",
    "label_mix",
    "label_mix_loss",
    "least_squares_loss",
    "style_divergence",
]
