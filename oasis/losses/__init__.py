"""What the networks are trained for: pure functions with thin modules."""

from oasis.losses.adversarial import NPlusOneLoss, class_weights, fake_loss, real_loss
from oasis.losses.label_mix import label_mix, label_mix_loss, label_mix_mask
from oasis.losses.perceptual import VGGPerceptualLoss

__all__ = [
    "NPlusOneLoss",
    "VGGPerceptualLoss",
    "class_weights",
    "fake_loss",
    "label_mix",
    "label_mix_loss",
    "label_mix_mask",
    "real_loss",
]
