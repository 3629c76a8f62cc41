"""The extension point of the project: how a label map is shown to the networks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import ClassVar

import torch
from torch import Tensor, nn

from oasis.labels import LabelSpace

Generators = Sequence[torch.Generator] | None
"""What a batch is drawn from: one generator a sample, on any device; None = torch's global random state."""


class OrderSensitivity(IntEnum):
    """What becomes of an encoding when the instances of an image are numbered in another order, the worst last."""

    SAME = 0
    SAME_DISTRIBUTION = 1  # what is drawn differs, the chance of drawing it does not
    DIFFERENT = 2


class Encoding(nn.Module, ABC):
    """Turns class and instance maps into the channels that the generator is conditioned on.

    A subclass says how many `channels` it makes and makes them in `forward`; nothing else knows. It is applied once a
    batch, to all samples at once, on the batch's device, after flipping, so that it never has to be flipped itself.
    Most encodings are the one-hot classes and something more: those derive from `OneHotPlus`.

    Attributes:
        needs_instances: whether the encoding reads the instance map; a dataset without one is refused if so.
        order_sensitivity: what the encoding promises about the order of instances.
        label_space: what the class indices mean.
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
        """How many channels `forward` returns."""

    @abstractmethod
    def forward(self, label: Tensor, instance: Tensor, generators: Generators = None) -> Tensor:
        """Encode a batch.

        Args:
            label: (B, H, W) int64, class indices 0..C-1.
            instance: (B, H, W) int64, 0 = no instance, 1..N within each image.
            generators: what random encodings draw from: one a sample, so that a sample is the same in any batch; None =
                torch's global random state, which a resumed run takes up again.

        Returns:
            (B, channels, H, W) float32.
        """

    def measurements(self) -> dict[str, Tensor]:
        """What the last call has to report, by name: scalars on the device, for the log. Most have nothing."""
        return {}

    def of_things(self, label: Tensor, instance: Tensor) -> Tensor:
        """The instance map without the numbers of pixels whose class is no thing.

        A label space may count a raw thing among void, as Cityscapes' train ids do with caravans; their numbers then
        belong to no thing.

        Args:
            label: (B, H, W) int64, class indices 0..C-1.
            instance: (B, H, W) int64, 0 = no instance.

        Returns:
            (B, H, W) int64.
        """
        # The encoding may stay on the CPU while the maps are not; without blocking, the host need not wait.
        is_thing = self.get_buffer("is_thing").to(label.device, non_blocking=True)
        return instance * is_thing[label]


def draw_for_each(
    draw: Callable[..., Tensor], shape: tuple[int, ...], batch: int, generators: Generators, device: torch.device
) -> Tensor:
    """Random numbers for a batch, each sample's from its own generator.

    Args:
        draw: `torch.rand` or `torch.randn`.
        shape: of one sample's numbers.
        batch: B, how many samples.
        generators: B of them, on any device; None = torch's global random state.
        device: where the numbers are wanted.

    Returns:
        (B, *shape) float32.

    Raises:
        ValueError: another number of generators than of samples.
    """
    if generators is None:
        return draw(batch, *shape, dtype=torch.float32, device=device)
    if len(generators) != batch:
        raise ValueError(f"{len(generators)} generators for {batch} samples: give one each, or None")
    drawn = [draw(*shape, generator=one, dtype=torch.float32, device=one.device) for one in generators]
    return torch.stack(drawn).to(device, non_blocking=True)
