"""The loss of styles: their distance from the distribution that they are drawn from without a photo."""

import torch
from torch import Tensor


def style_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of normal distributions from the standard normal one.

    Args:
        mean: (B, Z) of any floating-point type.
        log_variance: (B, Z).

    Returns:
        Scalar float32, the sum over vectors and batch, as published. SPADE has it with weight 0.05.

    Source: Kingma and Welling 2014, appendix B; Park et al. 2019, section 3.
    """
    mean, log_variance = mean.float(), log_variance.float()
    return -0.5 * torch.sum(1 + log_variance - mean.square() - log_variance.exp())
