"""What travels through a training step."""

from dataclasses import dataclass

from torch import Tensor

from oasis.instances import segment_ids


@dataclass
class Batch:
    """One batch as the networks and losses see it, on the device.

    Losses, metrics and pictures read `label` and `instance`, never `condition`: whatever the encoding does,
    the loss stays right.

    Attributes:
        image: (B, 3, H, W) float32 in [-1, 1].
        label: (B, H, W) int64, class indices 0..C-1 of the label space.
        instance: (B, H, W) int64, 0 = no instance, 1..N counted anew in each image.
        condition: (B, encoding.channels, H, W) float32, the encoded label map.
        name: B sample names, such as `aachen_000000_000019`.
        index: (B,) int64, positions in the dataset's split.
        positions: B positions in the stream of training samples, on which alone the random numbers of a step depend,
            so that they are the same however the batch is spread over processes; None = they are drawn from torch's
            global state.
    """

    image: Tensor
    label: Tensor
    instance: Tensor
    condition: Tensor
    name: list[str]
    index: Tensor
    positions: list[int] | None = None

    @property
    def segments(self) -> Tensor:
        """(B, H, W) int64, a number for each segment of an image: see `segment_ids`."""
        return segment_ids(self.label, self.instance, 256)

    def first(self, count: int) -> "Batch":
        """The first samples alone."""
        return Batch(
            image=self.image[:count],
            label=self.label[:count],
            instance=self.instance[:count],
            condition=self.condition[:count],
            name=self.name[:count],
            index=self.index[:count],
            positions=None if self.positions is None else self.positions[:count],
        )

    def __len__(self) -> int:
        return len(self.name)
