"""Losses of the discriminator's instance heads, on photos and, for the generator, on fakes.

Every loss is the mean over the pixels of each image whose target is known, and then over all images, so that it does
not depend on how a batch is spread over devices. Unknown are void, and the group regions where annotators could not
tell instances apart: a thing class without an instance. All losses are in float32.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.instances import boundaries, center_heatmap, center_offsets
from oasis.labels import LabelSpace


def center_loss(predicted: Tensor, heatmap: Tensor, known: Tensor) -> Tensor:
    """Mean squared error of the centre heatmap.

    Args:
        predicted: (B, 1, H, W) of any floating-point type, without an activation.
        heatmap: (B, 1, H, W) in [0, 1], 1 at the centres, see `center_heatmap`.
        known: (B, H, W) bool, the pixels that count.

    Returns:
        Scalar float32. Without any instance, it penalises every predicted peak.

    Source: Cheng et al. 2020, section 3.2.
    """
    return _mean_of_images((predicted.float() - heatmap.float()).square()[:, 0], known)


def offset_loss(predicted: Tensor, offsets: Tensor, mine: Tensor) -> Tensor:
    """L1 distance of the offsets, in picture heights, independent of the picture's scale.

    Args:
        predicted: (B, 2, H, W) of any floating-point type, down and right, in picture heights.
        offsets: (B, 2, H, W) in pixels, see `center_offsets`.
        mine: (B, H, W) bool, the pixels that belong to an instance.

    Returns:
        Scalar float32, both directions added. 0 without any instance.

    Source: Cheng et al. 2020, section 3.2, where offsets are in pixels.
    """
    target = offsets.float() / offsets.shape[-2]
    return _mean_of_images((predicted.float() - target).abs().sum(dim=1), mine)


def boundary_loss(logits: Tensor, boundary: Tensor, known: Tensor) -> Tensor:
    """Binary cross-entropy in which boundaries, a few percent of the pixels, have the same total weight as all others.

    Args:
        logits: (B, 1, H, W) of any floating-point type.
        boundary: (B, 1, H, W) of 0 and 1, see `boundaries`.
        known: (B, H, W) bool, the pixels that count.

    Returns:
        Scalar float32: log 2 for logits of 0 if every image has both kinds of pixels.

    Source: Xie and Tu 2015 (HED), equation 2, with half the weight for each kind.
    """
    loss = F.binary_cross_entropy_with_logits(logits.float(), boundary.float(), reduction="none")[:, 0]
    on = boundary[:, 0] > 0.5
    return (_mean_of_images(loss, known & on) + _mean_of_images(loss, known & ~on)) / 2


class InstanceLoss(nn.Module):
    """The weighted terms of all instance heads that a discriminator has.

    The default weights bring each term to a few tenths at the start, beside an adversarial loss of about 3.5. Heads
    that output 0 have unweighted losses of 0.004 for the centres, 0.08 for the offsets and log 2 for the boundaries on
    four street scenes of Cityscapes; the same at 64x128 and at 256x512 pixels, since lengths are in picture heights.
    Panoptic-DeepLab's 200 and 0.01 are for lengths in pixels, without an adversarial loss.

    Args:
        label_space: defines the thing classes and the void class.
        center_weight: of `center_loss`; 0 switches it off.
        offset_weight: of `offset_loss`; 0 switches it off.
        boundary_weight: of `boundary_loss`; 0 switches it off.
        sigma: standard deviation of the peaks on the centres, in picture heights.

    Raises:
        ConfigurationError: a weight below 0; an invalid sigma.
    """

    things: Tensor

    def __init__(
        self,
        label_space: LabelSpace,
        center_weight: float = 100.0,
        offset_weight: float = 5.0,
        boundary_weight: float = 0.5,
        sigma: float = 1 / 64,
    ) -> None:
        super().__init__()
        self.weights = {"center": center_weight, "offset": offset_weight, "boundary": boundary_weight}
        for name, weight in self.weights.items():
            if weight < 0:
                raise ConfigurationError(f"{name}_weight={weight}: must be 0 (off) or above")
        if not 0 < sigma < 1:
            raise ConfigurationError(f"sigma={sigma}: must be above 0; it is a share of the picture's height, below 1")
        self.sigma = sigma
        self.ignore_index = label_space.ignore_index
        things = torch.tensor([c in label_space.things for c in range(label_space.num_classes)])
        self.register_buffer("things", things, persistent=False)  # from the configuration, not learnt

    def forward(self, heads: Mapping[str, Tensor], label: Tensor, instance: Tensor) -> dict[str, Tensor]:
        """Compare the outputs of the heads for a picture with its maps.

        Args:
            heads: `DiscriminatorOutput.heads`, any of `center` (B, 1, H, W), `offset` (B, 2, H, W), `boundary` (B, 1,
                H, W).
            label: (B, H, W) int64, class indices.
            instance: (B, H, W) int64, 0 = no instance, 1..N within each image.

        Returns:
            Scalars float32, weights included, by the heads' names; those of absent heads and of weight 0 are left out.
        """
        # Some label spaces map a raw thing class to void, as Cityscapes' train ids do with caravans.
        instance = instance * self.things[label]
        losses = {"center": self.center, "offset": self.offset, "boundary": self.boundary}
        return {
            name: self.weights[name] * loss(heads[name], label, instance)
            for name, loss in losses.items()
            if name in heads and self.weights[name] > 0
        }

    def center(self, predicted: Tensor, label: Tensor, instance: Tensor) -> Tensor:
        """`center_loss` against the maps' own heatmap: (B, 1, H, W), (B, H, W), (B, H, W) to a scalar."""
        heatmap = center_heatmap(instance, self.sigma * label.shape[-2])
        return center_loss(predicted, heatmap, self.known(label, instance))

    def offset(self, predicted: Tensor, label: Tensor, instance: Tensor) -> Tensor:
        """`offset_loss` against the maps' own offsets: (B, 2, H, W), (B, H, W), (B, H, W) to a scalar."""
        return offset_loss(predicted, center_offsets(instance), instance > 0)

    def boundary(self, logits: Tensor, label: Tensor, instance: Tensor) -> Tensor:
        """`boundary_loss` against the maps' own boundaries: (B, 1, H, W), (B, H, W), (B, H, W) to a scalar."""
        return boundary_loss(logits, boundaries(label, instance), self.known(label, instance))

    def known(self, label: Tensor, instance: Tensor) -> Tensor:
        """Where the instance, or its absence, is known: (B, H, W), (B, H, W) to (B, H, W) bool."""
        group = self.things[label] & (instance == 0)
        return ~group & (label != self.ignore_index)


def _mean_of_images(values: Tensor, counted: Tensor) -> Tensor:
    """Mean over the counted pixels of each image, 0 if there is none, then over images; both are (B, H, W)."""
    sums = torch.where(counted, values, 0.0).sum(dim=(1, 2))
    return (sums / counted.sum(dim=(1, 2)).clamp(min=1)).mean()
