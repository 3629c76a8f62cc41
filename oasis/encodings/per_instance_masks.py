"""One mask per instance."""

import torch
from torch import Tensor

from oasis.encodings.base import Generators, OrderSensitivity, draw_for_each
from oasis.encodings.one_hot_plus import OneHotPlus
from oasis.errors import ConfigurationError
from oasis.instances import MAX_INSTANCES, areas
from oasis.labels import LabelSpace


class PerInstanceMasks(OneHotPlus):
    """One-hot classes, then K slots with the binary mask of one instance each.

    In training mode, the slots of each image are assigned at random at every call, so that no slot gets a meaning.
    Otherwise they are sorted by area, the largest instance first, and by number for equal areas. If an image has more
    than K instances, K - 1 have a slot of their own, and all smaller ones share the last slot.

    Args:
        label_space: the classes.
        slots: K, at least 1. Cityscapes has up to 50 instances in an image.

    Attributes:
        overflow: (B,) int64, of the last call: number of instances of each image that share the last slot; 0 if each
            has its own. None before the first call.

    Raises:
        ConfigurationError: if slots is below 1.
    """

    order_sensitivity = OrderSensitivity.SAME_DISTRIBUTION

    def __init__(self, label_space: LabelSpace, slots: int = 64) -> None:
        super().__init__(label_space)
        if slots < 1:
            raise ConfigurationError(
                f"encoding.slots={slots}: per_instance_masks needs at least 1 slot; 64 hold every image of Cityscapes, "
                "and encoding=semantic is the encoding without any"
            )
        self.slots = slots
        self.overflow: Tensor | None = None

    @property
    def extra_channels(self) -> int:
        """K."""
        return self.slots

    def fill(self, canvas: Tensor, label: Tensor, instance: Tensor, generators: Generators) -> None:
        """Fill the slots; see `OneHotPlus.fill`."""
        area = areas(instance)
        count = (area > 0).sum(1)
        self.overflow = torch.where(count > self.slots, count - (self.slots - 1), 0)
        rank = _ranks(area).clamp_(max=self.slots - 1)
        slot = _shuffled(self.slots, self.overflow, generators).gather(1, rank) if self.training else rank
        # Pixels without an instance write a 0 over a 0.
        index = slot.gather(1, instance.flatten(1)).view_as(instance)
        canvas.scatter_(1, index.unsqueeze(1), (instance > 0).unsqueeze(1).float())

    def measurements(self) -> dict[str, Tensor]:
        """`overflow`: the number of instances of the last batch that shared a slot."""
        return {} if self.overflow is None else {"overflow": self.overflow.sum()}


def _shuffled(slots: int, overflow: Tensor, generators: Generators) -> Tensor:
    """The slots of each image in random order, (B, slots) int64; the last stays last where `overflow` is above 0."""
    drawn = draw_for_each(torch.rand, (slots,), len(overflow), generators, overflow.device)
    drawn[:, -1] += overflow  # all others are below 1
    return drawn.argsort(1)


def _ranks(area: Tensor) -> Tensor:
    """The rank of each instance by descending area: (B, MAX_INSTANCES + 1) int64."""
    order = area.argsort(dim=1, descending=True, stable=True)
    places = torch.arange(MAX_INSTANCES + 1, device=area.device).expand_as(area)
    return torch.empty_like(order).scatter_(1, order, places)
