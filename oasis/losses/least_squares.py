"""The least-squares loss of pix2pixHD."""

from collections.abc import Sequence

import torch
from torch import Tensor


def least_squares_loss(scores: Sequence[Tensor], target: float) -> Tensor:
    """Mean squared difference of scores from a target, summed over scales.

    The generator's target for fakes is 1; the discriminator's are 0 for fakes and 1 for photos, and it pays half of
    both terms.

    Args:
        scores: of the discriminator, for each scale a tensor of any shape and floating-point type.
        target: of all scores.

    Returns:
        Scalar float32, the sum over scales of the means over patches.

    Source: Mao et al. 2017, equation 9; Wang et al. 2018 (pix2pixHD), section 3.2.
    """
    return torch.stack([(each.float() - target).square().mean() for each in scores]).sum()
