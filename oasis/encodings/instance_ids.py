"""Instance numbers written into the class mask."""

from typing import ClassVar

import torch
from torch import Tensor

from oasis.encodings.base import Encoding, Generators, OrderSensitivity
from oasis.instances import MAX_INSTANCES
from oasis.labels import LabelSpace


class InstanceIds(Encoding):
    """One-hot whose 1 is replaced, in thing classes, by the instance's position among its class: 1, 2, 3, ...

    The order is that of the instance map, in which instances are numbered by raw id: the first car of an image has 1,
    the second 2, and so does the second person. Stuff, void and group regions have 1. The numbers are arbitrary, so
    this encoding is expected to be harmful; it is included to test that.

    Args:
        label_space: the classes.
        normalized: divide by the highest value of the same class in the same image, so that all are in (0, 1]. A group
            region beside n instances of its class then has 1 / n.

    Source: the published failed attempt to make OASIS panoptic (raw).
    """

    needs_instances: ClassVar[bool] = True
    order_sensitivity = OrderSensitivity.DIFFERENT

    def __init__(self, label_space: LabelSpace, normalized: bool = False) -> None:
        super().__init__(label_space)
        self.normalized = normalized

    @property
    def channels(self) -> int:
        """C, the number of classes."""
        return self.label_space.num_classes

    def forward(self, label: Tensor, instance: Tensor, generators: Generators = None) -> Tensor:
        """Encode a batch; see `Encoding.forward`. Not random."""
        batch, height, width = label.shape
        encoded = torch.zeros(batch, self.channels, height, width, dtype=torch.float32, device=label.device)
        values = self._values(label, self.of_things(label, instance))
        return encoded.scatter_(1, label.unsqueeze(1), values.unsqueeze(1))

    def _values(self, label: Tensor, instance: Tensor) -> Tensor:
        """The value of each pixel in the channel of its class: (B, H, W) float32."""
        rows = MAX_INSTANCES + 1
        # One row of instance numbers per class, to count those present.
        index = (label * rows + instance).flatten(1)
        present = torch.zeros(label.shape[0], self.channels * rows, dtype=torch.float32, device=label.device)
        present.scatter_(1, index, 1.0)
        table = present.view(-1, self.channels, rows)
        table[:, :, 0] = 0  # 0 is not an instance
        position = table.cumsum(2).clamp_(min=1)
        if self.normalized:
            position = position / position[:, :, -1:]
        return position.flatten(1).gather(1, index).view(label.shape)
