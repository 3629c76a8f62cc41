"""Tables with a row for each instance, and means over them.

A table has MAX_INSTANCES + 1 rows for each image, however many instances there are, so that the host never waits for a
GPU.
Every loss is the mean over the instances of each image, and then over all images, so that it does not depend on how a
batch is spread over devices. All is in float32.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from oasis.instances import MAX_INSTANCES, class_by_number, mean_by_number, rows_needed
from oasis.labels import LabelSpace


class InstanceTable(NamedTuple):
    """The instances of a batch.

    Attributes:
        number: (B, H, W) int64, 0 where no instance is known: stuff, void and group regions.
        class_of: (B, MAX_INSTANCES + 1) int64, the class of each instance; -1 for absent numbers and for row 0.
    """

    number: Tensor
    class_of: Tensor

    @property
    def present(self) -> Tensor:
        """(B, MAX_INSTANCES + 1) bool, which numbers are instances of the image."""
        return self.class_of >= 0

    @property
    def has_neighbour(self) -> Tensor:
        """(B, MAX_INSTANCES + 1) bool, which numbers have another one of their class in the image."""
        kind = self.class_of + 1  # 0 = absent
        count = torch.zeros_like(kind)  # there are more rows than classes
        return count.scatter_add(1, kind, torch.ones_like(kind)).gather(1, kind) > 1

    def rows(self) -> Tensor:
        """(B, N) int64, the numbers of each image's instances, and behind them numbers of none.

        N is the most that an image of the batch has, at least 1; `MAX_INSTANCES + 1` where the host would wait for it.
        """
        count = rows_needed(self.present.sum(dim=1), MAX_INSTANCES + 1)
        return self.present.byte().argsort(dim=1, descending=True, stable=True)[:, : max(1, count)]


class InstancesOf(nn.Module):
    """Finds the instances of thing classes.

    Args:
        label_space: defines the thing classes.
    """

    things: Tensor

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__()
        things = torch.tensor([c in label_space.things for c in range(label_space.num_classes)])
        self.register_buffer("things", things, persistent=False)  # from the configuration, not learnt

    def forward(self, label: Tensor, instance: Tensor) -> InstanceTable:
        """The table of (B, H, W) int64 class indices and (B, H, W) int64 instances in 0..MAX_INSTANCES, 0 = none."""
        # Some label spaces map a raw thing class to void, as Cityscapes' train ids do with caravans.
        number = instance * self.things[label]
        class_of = class_by_number(label, number, MAX_INSTANCES + 1, absent=-1)
        class_of[:, 0] = -1
        return InstanceTable(number, class_of)


def mean_by_instance(features: Tensor, number: Tensor) -> Tensor:
    """`mean_by_number` of all numbers that an instance may have, in float32; row 0 is of pixels without one."""
    return mean_by_number(features.float(), number, MAX_INSTANCES + 1)


def mean_of_instances(values: Tensor, counted: Tensor) -> Tensor:
    """The mean over the counted instances of each image, 0 if there is none, and then over images.

    Args:
        values: (B, N) float32.
        counted: (B, N) bool.

    Returns:
        Scalar float32.
    """
    sums = torch.where(counted, values, 0.0).sum(dim=1)
    return (sums / counted.sum(dim=1).clamp(min=1)).mean()
