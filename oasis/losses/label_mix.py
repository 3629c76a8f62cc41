"""LabelMix: consistency of the discriminator's output on mixed pictures."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.instances import count_segments, segment_ids

Coins = Sequence[torch.Generator] | torch.Generator | None


def label_mix_mask(label: Tensor, num_classes: int, generator: Coins = None) -> Tensor:
    """Draw real or fake for each class of each image.

    Each image has its own draws, so that the penalty does not depend on how a batch is spread over devices. `label`
    may have any non-negative ids, such as segments, instead of classes.

    Args:
        label: (B, H, W) int64 in 0..num_classes-1.
        num_classes: N, one above the highest id.
        generator: random generators, of any device: one for all images, or one for each; None = the global random
            state.

    Returns:
        (B, 1, H, W) float32: 1 = real, 0 = fake.

    Source: Sushko et al. 2021, section 3.1, "LabelMix regularization".
    """
    if isinstance(generator, Sequence):
        tossed = [torch.randint(2, (1, num_classes), device=each.device, generator=each) for each in generator]
        coins = torch.cat(tossed)
    else:
        device = label.device if generator is None else generator.device
        coins = torch.randint(2, (label.shape[0], num_classes), device=device, generator=generator)
    coins = coins.to(label.device, non_blocking=True)
    return coins.gather(1, label.flatten(1)).view(label.shape).unsqueeze(1).float()


class Mix(Protocol):
    """Chooses the parts that LabelMix takes from the photo and from the fake.

    Attributes:
        needs_instances: whether it reads the instance map.
    """

    needs_instances: ClassVar[bool]

    def __call__(self, label: Tensor, instance: Tensor, num_classes: int, generator: Coins = None) -> Tensor:
        """Draw a mask.

        Args:
            label: (B, H, W) int64 in 0..num_classes-1.
            instance: (B, H, W) int64, 0 = no instance, 1..N within each image.
            num_classes: C.
            generator: see `label_mix_mask`.

        Returns:
            (B, 1, H, W) float32: 1 = real, 0 = fake.
        """


class MixClasses:
    """Draws real or fake for each class of each image, as published.

    Source: Sushko et al. 2021, section 3.1.
    """

    needs_instances: ClassVar[bool] = False

    def __call__(self, label: Tensor, instance: Tensor, num_classes: int, generator: Coins = None) -> Tensor:
        """Draw a mask, see `Mix`. `instance` is ignored."""
        return label_mix_mask(label, num_classes, generator)


class MixSegments:
    """Draws real or fake for each segment of each image: for each instance, and for each class without instances.

    Of two touching cars, one may be real and the other one fake, so that the discriminator has to tell them apart.
    Without instances it is the same as `MixClasses`.
    """

    needs_instances: ClassVar[bool] = True

    def __call__(self, label: Tensor, instance: Tensor, num_classes: int, generator: Coins = None) -> Tensor:
        """Draw a mask, see `Mix`."""
        segments = segment_ids(label, instance, num_classes)
        return label_mix_mask(segments, count_segments(num_classes), generator)


def label_mix(real: Tensor, fake: Tensor, mask: Tensor) -> Tensor:
    """Paste real over fake where the mask is 1.

    Args:
        real: (B, C, H, W), pictures or logits.
        fake: (B, C, H, W), of the same kind.
        mask: (B, 1, H, W) of 0 and 1, from `label_mix_mask`.

    Returns:
        (B, C, H, W); every pixel is exactly one of the two.

    Source: Sushko et al. 2021, section 3.1.
    """
    return torch.where(mask.bool(), real, fake)


def label_mix_loss(logits_mixed: Tensor, logits_real: Tensor, logits_fake: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error between D(mix(real, fake)) and mix(D(real), D(fake)). All three logits get a gradient.

    Args:
        logits_mixed: (B, C, H, W) logits of the mixed pictures.
        logits_real: (B, C, H, W) logits of the photos.
        logits_fake: (B, C, H, W) logits of the fakes.
        mask: (B, 1, H, W) of 0 and 1, with which the pictures were mixed.

    Returns:
        Scalar float32, the mean over pixels and logits.

    Source: Sushko et al. 2021, equation 4.
    """
    return F.mse_loss(logits_mixed.float(), label_mix(logits_real.float(), logits_fake.float(), mask))
