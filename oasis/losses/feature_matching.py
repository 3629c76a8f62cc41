"""The feature matching loss of SPADE and pix2pixHD."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def feature_matching_loss(fake: Sequence[Sequence[Tensor]], real: Sequence[Sequence[Tensor]]) -> Tensor:
    """L1 distance of the discriminator's features of fakes from those of photos.

    SPADE has it with weight 10. pix2pixHD has it with weight 10 * 4 / (layers + 1), for discriminators that it calls
    those of 3 layers, and which have 4 features: 10 as well.

    Args:
        fake: for each scale, the features of the fakes; they get a gradient.
        real: the same of the photos; they get none.

    Returns:
        Scalar float32, the mean over scales of the sums over features.

    Source: Wang et al. 2018 (pix2pixHD), equation 4; Park et al. 2019, section 3.
    """
    distances = [
        F.l1_loss(one.float(), other.detach().float())
        for scale, target in zip(fake, real, strict=True)
        for one, other in zip(scale, target, strict=True)
    ]
    return torch.stack(distances).sum() / len(fake)
