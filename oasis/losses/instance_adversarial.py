"""Real or fake, said of each instance as a whole."""

import torch.nn.functional as F
from torch import Tensor

from oasis.losses.instance_tables import InstanceTable, mean_by_instance, mean_of_instances


def instance_scores(head: Tensor, number: Tensor) -> Tensor:
    """How real each instance looks.

    The head's channels are averaged over the instance and pass a leaky ReLU; the first half votes for real, the second
    for fake. Up to a factor this is any two-layer network of the averaged features: a ReLU commutes with positive
    factors, so that the size of each second-layer weight can be in the first layer and only its sign is left. A linear
    score would commute with the average and be no more than a mean of pixels' scores. This way the discriminator needs
    no layer of its own behind the average, and has plain heads that know nothing of instances.

    Args:
        head: (B, 2 K, H, W) of any floating-point type, see `InstanceDiscriminator`.
        number: (B, H, W) int64 in 0..MAX_INSTANCES, 0 = no instance.

    Returns:
        (B, MAX_INSTANCES + 1) float32; above 0 is real. Rows of absent numbers, and row 0, have no meaning.
    """
    real, fake = F.leaky_relu(mean_by_instance(head, number), 0.2).chunk(2, dim=2)
    return real.mean(dim=2) - fake.mean(dim=2)


def instance_real_loss(head: Tensor, table: InstanceTable) -> Tensor:
    """Binary cross-entropy with "real" as the target of every instance, large and small alike.

    For the discriminator on photos, and for the generator on its fakes: bounded, and not saturating, as the
    (N+1)-class loss beside it.

    Args:
        head: (B, 2 K, H, W) of any floating-point type, see `instance_scores`.
        table: the instances of the maps.

    Returns:
        Scalar float32, the mean over instances and then over images; log 2 for scores of 0. 0 without any instance.

    Source: Goodfellow et al. 2014, section 3; of single objects: Johnson et al. 2018 (sg2im), section 3, and Sun and Wu
    2019 (LostGAN), both from boxes instead of masks.
    """
    return mean_of_instances(F.softplus(-instance_scores(head, table.number)), table.present)


def instance_fake_loss(head: Tensor, table: InstanceTable) -> Tensor:
    """Binary cross-entropy with "fake" as the target of every instance, see `instance_real_loss`."""
    return mean_of_instances(F.softplus(instance_scores(head, table.number)), table.present)
