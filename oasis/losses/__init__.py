"""What the networks are trained for: pure functions with thin modules."""

from oasis.losses.adversarial import NPlusOneLoss, class_weights, fake_loss, real_loss
from oasis.losses.instances import InstanceLoss, boundary_loss, center_loss, offset_loss
from oasis.losses.label_mix import Mix, MixClasses, MixSegments, label_mix, label_mix_loss, label_mix_mask
from oasis.losses.perceptual import VGGPerceptualLoss

__all__ = [
    "InstanceLoss",
    "Mix",
    "MixClasses",
    "MixSegments",
    "NPlusOneLoss",
    "VGGPerceptualLoss",
    "boundary_loss",
    "center_loss",
    "class_weights",
    "fake_loss",
    "label_mix",
    "label_mix_loss",
    "label_mix_mask",
    "offset_loss",
    "real_loss",
]
