"""The batch that networks and losses take."""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Batch:
    """One batch as the networks and losses see it, on the device.

    Losses, metrics and pictures read `label`, `instance` and `segments`, never `condition`, so that the
    loss is correct for any encoding; except class weights with `EncodedMapCounts`, which are there to study that.

    Attributes:
        image: (B, 3, H, W) float32 in [-1, 1].
        label: (B, H, W) int64, class indices 0..C-1 of the label space.
        instance: (B, H, W) int64, 0 = no instance, 1..N within each image.
        segments: (B, H, W) int64, numbers every segment of an image: class c where there is no instance of a thing,
            else C + k for instance k; see `oasis.instances.segment_ids`.
        condition: (B, encoding.channels, H, W) float32, the encoded label map.
        name: B sample names, such as `aachen_000000_000019`.
        index: (B,) int64, positions in the dataset's split.
        counted: (B,) bool, which samples count in scores and validation losses. False for samples that another process
            has read too, because the split is not divisible by the number of processes. Those come last.
        positions: B positions in the stream of training samples. The random numbers of a step depend on nothing else,
            so that they are the same however the batch is spread over processes; None = they are drawn from torch's
            global state.
    """

    image: Tensor
    label: Tensor
    instance: Tensor
    segments: Tensor
    condition: Tensor
    name: list[str]
    index: Tensor
    counted: Tensor
    positions: list[int] | None = None

    def first(self, count: int) -> "Batch":
        """The first `count` samples."""
        return Batch(
            image=self.image[:count],
            label=self.label[:count],
            instance=self.instance[:count],
            segments=self.segments[:count],
            condition=self.condition[:count],
            name=self.name[:count],
            index=self.index[:count],
            counted=self.counted[:count],
            positions=None if self.positions is None else self.positions[:count],
        )

    def __len__(self) -> int:
        return len(self.name)
