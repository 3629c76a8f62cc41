"""A token per segment of a picture, and a transformer over them."""

from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.instances import class_by_number
from oasis.models.attention import TransformerBlock, initialize_linear
from oasis.models.segment_geometry import FEATURES, features, geometry
from oasis.models.segment_rows import PresentSegments, SegmentRows


class SegmentTokens(nn.Module):
    """One vector per segment, which has seen all segments of its picture.

    A token is the sum of an embedding of the segment's class, one of where it is and how large, and one of its noise.
    The order and the numbers of instances do not matter, and a picture may have any number of them.

    Args:
        num_classes: C, of the label space.
        noise_dim: Z, of the noise of each segment; 0 for none.
        channels: T, of the vectors.
        dim: of a token.
        layers: blocks of the transformer.
        heads: of its attention, a divisor of `dim`.

    Raises:
        ConfigurationError: one of them is too small, or `heads` does not divide `dim`.
    """

    def __init__(self, num_classes: int, noise_dim: int, channels: int, dim: int, layers: int, heads: int) -> None:
        super().__init__()
        for name, value in (("channels", channels), ("dim", dim), ("layers", layers), ("heads", heads)):
            if value < 1:
                raise ConfigurationError(f"generator.token_{name}={value}: must be at least 1")
        if dim % heads:
            raise ConfigurationError(
                f"generator.token_dim={dim}, generator.token_heads={heads}: the first must be a multiple of the second"
            )
        self.num_classes = num_classes
        self.of_class = nn.Embedding(num_classes, dim)
        self.of_geometry = nn.Linear(FEATURES, dim)
        self.of_noise = nn.Linear(noise_dim, dim, bias=False) if noise_dim else None
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, channels)
        initialize_linear(self)

    def forward(self, condition: Tensor, noise: Tensor | None, segments: Tensor, num_segments: int) -> SegmentRows:
        """Compute the vectors.

        Args:
            condition: (B, K, H, W) float, of which the first C channels are largest at the pixel's class.
            noise: (B, S, Z) float, by the segments' numbers; None without noise.
            segments: (B, H, W) int64 in 0..S-1.
            num_segments: S.

        Returns:
            Rows of T channels, of the condition's type.
        """
        return self.of_present(condition, noise, PresentSegments.of(segments, num_segments))

    def of_present(self, condition: Tensor, noise: Tensor | None, segments: PresentSegments) -> SegmentRows:
        """The same, from the rows of the segments."""
        label = condition[:, : self.num_classes].argmax(dim=1)
        x: Tensor = self.of_class(class_by_number(label, segments.number, segments.segment.shape[1]))
        x = x + self.of_geometry(features(geometry(segments)).to(self.of_geometry.weight.dtype))
        if self.of_noise is not None and noise is not None:
            x = x + self.of_noise(_gathered(noise, segments.segment))
        for block in self.blocks:
            x = block(x, segments.present)
        return SegmentRows(self.out(self.norm(x)).to(condition.dtype), segments.number)


def _gathered(table: Tensor, index: Tensor) -> Tensor:
    """Rows (B, N, Z) of a table (B, S, Z) by their indices (B, N)."""
    return table.gather(1, index.unsqueeze(2).expand(-1, -1, table.shape[2]))
