"""The position of pixels within their segments."""

import torch
from torch import Tensor

from oasis.encodings.base import Generators
from oasis.encodings.one_hot_plus import OneHotPlus
from oasis.instances import MAX_INSTANCES, segment_ids


class Position(OneHotPlus):
    """One-hot classes, and each pixel's position in the bounding box of its own segment.

    After the classes: y, from -1 at the top of the box to 1 at its bottom; x, from -1 at the left to 1 at the right;
    0 where the box is one pixel wide. A segment is an instance, or all pixels of a class without instances: the
    sky, void, or the group regions of a thing class.

    Source: Tan et al. 2021 (CLADE), section 3.3, the intra-class positional encoding; here per instance.
    """

    @property
    def extra_channels(self) -> int:
        """2: y, x."""
        return 2

    def fill(self, canvas: Tensor, label: Tensor, instance: Tensor, generators: Generators) -> None:
        """Fill both axes; see `OneHotPlus.fill`. Not random."""
        _, height, width = label.shape
        classes = self.label_space.num_classes
        segment = segment_ids(label, instance, classes).flatten(1)
        y = torch.arange(height, device=label.device).view(-1, 1).expand_as(label)
        x = torch.arange(width, device=label.device).expand_as(label)
        for channel, axis in enumerate((y, x)):
            canvas[:, channel] = _in_box(segment, axis, classes + MAX_INSTANCES + 1)


def _in_box(segment: Tensor, axis: Tensor, segments: int) -> Tensor:
    """Each pixel's position between the ends of its segment: (B, H*W) ids, (B, H, W) axis to (B, H, W) in [-1, 1]."""
    places = axis.flatten(1)
    table = places.new_zeros(len(segment), segments)
    first = table.scatter_reduce(1, segment, places, "amin", include_self=False)
    last = table.scatter_reduce(1, segment, places, "amax", include_self=False)
    middle = (first + last).gather(1, segment).view_as(axis)
    extent = (last - first).clamp_(min=1).gather(1, segment).view_as(axis)
    return (2 * axis - middle).float() / extent
