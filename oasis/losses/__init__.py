"""Losses: pure functions and thin modules."""

from oasis.losses.adversarial import NPlusOneLoss
from oasis.losses.boundary_classes import BoundaryClasses
from oasis.losses.class_counts import ClassCounts, EncodedMapCounts, LabelCounts
from oasis.losses.feature_matching import feature_matching_loss
from oasis.losses.hinge import hinge_fake_loss, hinge_generator_loss, hinge_real_loss
from oasis.losses.instance_adversarial import instance_fake_loss, instance_real_loss, instance_scores
from oasis.losses.instance_contrast import RolledView, instance_contrast_loss, rolled_view
from oasis.losses.instance_tables import InstancesOf, InstanceTable
from oasis.losses.instances import InstanceLoss
from oasis.losses.label_mix import Mix, MixClasses, MixSegments, label_mix, label_mix_loss
from oasis.losses.least_squares import least_squares_loss
from oasis.losses.perceptual import VGGPerceptualLoss
from oasis.losses.style import style_divergence

__all__ = [
    "BoundaryClasses",
    "ClassCounts",
    "EncodedMapCounts",
    "InstanceLoss",
    "InstanceTable",
    "InstancesOf",
    "LabelCounts",
    "Mix",
    "MixClasses",
    "MixSegments",
    "NPlusOneLoss",
    "RolledView",
    "VGGPerceptualLoss",
    "feature_matching_loss",
    "hinge_fake_loss",
    "hinge_generator_loss",
    "hinge_real_loss",
    "instance_contrast_loss",
    "instance_fake_loss",
    "instance_real_loss",
    "instance_scores",
    "label_mix",
    "label_mix_loss",
    "least_squares_loss",
    "rolled_view",
    "style_divergence",
]
