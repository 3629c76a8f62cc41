"""The base class of encodings of label maps."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import ClassVar

import torch
from torch import Tensor, nn

from oasis.labels import LabelSpace

Generators = Sequence[torch.Generator] | None
"""One random generator per sample, on any device; None = torch's global random state."""


class OrderSensitivity(IntEnum):
    """How an encoding changes if the instances of an image are numbered in another order, the worst last."""

    SAME = 0
    SAME_DISTRIBUTION = 1  # random numbers differ, their distribution does not
    DIFFERENT = 2


class Encoding(nn.Module, ABC):
    """Turns class and instance maps into the channels that the generator is conditioned on.

    A subclass defines the number of `channels` and computes them in `forward`. It is applied once per batch, on the
    batch's device, after flipping, so that it never has to be flipped itself. Encodings that add channels to the
    one-hot classes derive from `OneHotPlus`.

    Attributes:
        needs_instances: whether the encoding reads the instance map; if so, a dataset without one is refused.
        order_sensitivity: how the encoding depends on the order of instances.
        label_space: the classes.
    """

    needs_instances: ClassVar[bool] = False
    order_sensitivity: OrderSensitivity = OrderSensitivity.SAME

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__()
        self.label_space = label_space
        is_thing = torch.tensor([index in label_space.things for index in range(label_space.num_classes)])
        self.register_buffer("is_thing", is_thing, persistent=False)

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of channels that `forward` returns."""

    @abstractmethod
    def forward(self, label: Tensor, instance: Tensor, generators: Generators = None) -> Tensor:
        """Encode a batch.

        Args:
            label: (B, H, W) int64, class indices 0..C-1.
            instance: (B, H, W) int64, 0 = no instance, 1..N within each image.
            generators: for random encodings: one per sample, so that a sample is the same in any batch; None =
                torch's global random state, which a resumed run restores.

        Returns:
            (B, channels, H, W) float32.
        """

    def measurements(self) -> dict[str, Tensor]:
        """Scalars of the last call for the log, by name, on the device; empty for most encodings."""
        return {}

    def of_things(self, label: Tensor, instance: Tensor) -> Tensor:
        """The instance map with 0 for pixels whose class is not a thing.

        A label space may map a raw thing class to void, as Cityscapes' train ids do with caravans.

        Args:
            label: (B, H, W) int64, class indices 0..C-1.
            instance: (B, H, W) int64, 0 = no instance.

        Returns:
            (B, H, W) int64.
        """
        # The encoding may be on the CPU and the maps on another device; non-blocking, so that the host does not wait.
        is_thing = self.get_buffer("is_thing").to(label.device, non_blocking=True)
        return instance * is_thing[label]


def draw_for_each(
    draw: Callable[..., Tensor], shape: tuple[int, ...], batch: int, generators: Generators, device: torch.device
) -> Tensor:
    """Random numbers for a batch, each sample's from its own generator.

    Args:
        draw: `torch.rand` or `torch.randn`.
        shape: of one sample's numbers.
        batch: B, number of samples.
        generators: B of them, on any device; None = torch's global random state.
        device: of the result.

    Returns:
        (B, *shape) float32.

    Raises:
        ValueError: the number of generators is not B.
    """
    if generators is None:
        return draw(batch, *shape, dtype=torch.float32, device=device)
    if len(generators) != batch:
        raise ValueError(f"{len(generators)} generators for {batch} samples: give one each, or None")
    drawn = [draw(*shape, generator=one, dtype=torch.float32, device=one.device) for one in generators]
    return torch.stack(drawn).to(device, non_blocking=True)
