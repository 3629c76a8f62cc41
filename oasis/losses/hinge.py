"""The hinge losses of SPADE."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def hinge_generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """The generator's loss: minus the mean score of its fakes.

    Args:
        fake: the discriminator's scores of fakes, for each scale a tensor of any shape and floating-point type.

    Returns:
        Scalar float32, the mean over scales of the means over patches.

    Source: Lim and Ye 2017, "Geometric GAN"; Park et al. 2019, section 3.
    """
    return torch.stack([-scores.float().mean() for scores in fake]).mean()


def hinge_fake_loss(fake: Sequence[Tensor]) -> Tensor:
    """The discriminator's loss of fakes: max(0, 1 + score), see `hinge_generator_loss`."""
    return torch.stack([F.relu(1 + scores.float()).mean() for scores in fake]).mean()


def hinge_real_loss(real: Sequence[Tensor]) -> Tensor:
    """The discriminator's loss of photos: max(0, 1 - score), see `hinge_generator_loss`."""
    return torch.stack([F.relu(1 - scores.float()).mean() for scores in real]).mean()
