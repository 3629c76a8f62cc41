"""The segments of a batch as rows of tables, and vectors of theirs on the pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from oasis.instances import rows_needed


@dataclass(frozen=True)
class PresentSegments:
    """The segments of each picture that have pixels, as rows of a table.

    Attributes:
        number: (B, H, W) int64 in 0..N-1, the row of each pixel.
        segment: (B, N) int64 in 0..S-1, the number of each row's segment, in ascending order.
        present: (B, N) bool; False for rows behind those of a picture with fewer than N segments.
    """

    number: Tensor
    segment: Tensor
    present: Tensor

    @classmethod
    def of(cls, segments: Tensor, num_segments: int, most: int | None = None) -> "PresentSegments":
        """Find them; never makes the host wait for a GPU.

        Args:
            segments: (B, H, W) int64 in 0..S-1.
            num_segments: S.
            most: N, at least as many as any picture of the batch has; None = the smallest one if the host can read it
                without waiting, that is on CPUs, else S.
        """
        flat = segments.flatten(1)
        has_pixels = torch.zeros(flat.shape[0], num_segments, dtype=torch.bool, device=segments.device)
        has_pixels.scatter_(1, flat, True)
        row = has_pixels.cumsum(1) - 1
        if most is None:
            most = rows_needed(has_pixels.sum(1), num_segments)
        # No two keys are alike, so that any sort will do: ONNX has no stable one.
        key = torch.arange(num_segments, device=segments.device) + (~has_pixels) * num_segments
        order = key.argsort(dim=1)[:, :most]
        return cls(row.gather(1, flat).view_as(segments), order, has_pixels.gather(1, order))


@dataclass(frozen=True)
class SegmentRows:
    """One vector per segment, for all of its pixels.

    Attributes:
        rows: (B, N, Z) float.
        number: (B, H, W) int64 in 0..N-1, the row of each pixel.
    """

    rows: Tensor
    number: Tensor

    def painted(self, height: int, width: int) -> Tensor:
        """The vector of each pixel: (B, Z, height, width), a size that divides that of `number`; resized by nearest."""
        number = self.number[:, :: self.number.shape[1] // height, :: self.number.shape[2] // width]
        first = torch.arange(number.shape[0], device=number.device).view(-1, 1, 1) * self.rows.shape[1]
        flat = self.rows.flatten(0, 1).index_select(0, (number + first).flatten())
        return flat.view(*number.shape, -1).permute(0, 3, 1, 2)

    def at(self, pixel: Tensor) -> Tensor:
        """(D, Z): the vectors of some pixels, (D,) int64 indices into the flattened batch."""
        picture = pixel // self.number[0].numel()
        return self.rows[picture, self.number.flatten()[pixel]]
