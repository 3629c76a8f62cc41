"""Instance-adaptive denormalisation (INADE): every segment is modulated by noise of its own."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.instances import class_by_number
from oasis.models.modulation import Modulation
from oasis.models.norms import NormName, build_norm
from oasis.models.patches import Rows
from oasis.models.spectral_norm import full_precision


@dataclass(frozen=True)
class NoisySegments(Rows):
    """The segments of a batch as rows of a table, at one scale.

    Attributes:
        noise: (R, Z) float, the noise of each row.
        classes: (R,) int64 in 0..C-1, its class.
        of_pixel: (B, H, W) int64 in 0..R-1, the row of each pixel.
    """

    noise: Tensor
    classes: Tensor
    of_pixel: Tensor

    @classmethod
    def of(cls, condition: Tensor, noise: Tensor, segments: Tensor, num_classes: int) -> "NoisySegments":
        """One row for each segment that a picture may have: R = B * S. Never makes the host wait.

        Args:
            condition: (B, K, H, W) float; the largest of the first C channels of a pixel is its class.
            noise: (B, S, Z) float.
            segments: (B, H, W) int64 in 0..S-1.
            num_classes: C.

        Returns:
            The rows at the size of the condition. A segment of several classes, which no label map should have, gets
            the last of them.
        """
        label = condition[:, :num_classes].argmax(dim=1)
        classes = class_by_number(label, segments, noise.shape[1])
        first = torch.arange(noise.shape[0], device=segments.device).view(-1, 1, 1) * noise.shape[1]
        return cls(noise.flatten(0, 1), classes.flatten(), segments + first)

    @property
    def count(self) -> int:
        """R."""
        return self.noise.shape[0]  # not len(), which a program would take for a constant

    def present(self) -> "NoisySegments":
        """Without rows that no pixel has. On a GPU the host waits for their number."""
        rows, number = torch.unique(self.of_pixel, return_inverse=True)
        return NoisySegments(self.noise[rows], self.classes[rows], number)

    def at(self, height: int, width: int) -> "NoisySegments":
        """At a size that divides this one, resized by nearest; one row a pixel, if there are fewer pixels than rows."""
        number = self.of_pixel
        number = number[:, :: number.shape[1] // height, :: number.shape[2] // width].contiguous()
        if number.numel() >= self.count:
            return NoisySegments(self.noise, self.classes, number)
        rows = number.flatten()
        own = torch.arange(rows.numel(), device=rows.device).view_as(number)
        return NoisySegments(self.noise.index_select(0, rows), self.classes.index_select(0, rows), own)

    def painted(self) -> Tensor:
        """The noise of each pixel: (B, Z, H, W)."""
        return self.paint(self.noise)

    def paint(self, table: Tensor) -> Tensor:
        """Values (R, D) of rows as a map (B, D, H, W), channels last in memory."""
        return F.embedding(self.of_pixel, table).permute(0, 3, 1, 2)


class INADE(Modulation):
    """Normalises x, then scales and shifts each pixel by the noise and the class of its segment.

        n = A z + a                            for each half z of the segment's noise
        gamma = w[class] * n[0] + b[class]     beta alike, of n[1], with its own w and b
        out = gamma * norm(x) + beta

    One linear layer serves both halves, as in the paper, whose noise is (2, Z / 2) for each instance. There is no
    convolution: pixels of a segment are modulated alike, and those of another segment have no influence.

    Initially, w is uniform in [0, 1], a and b are 0, and A is normal with variance 2 / Z, so that n is as the noise,
    standard normal. The paper does not give A's; Xavier with the gain of 0.02 of the convolutions would make gamma
    nearly 0, and there is no 1 that is added to it.

    Args:
        channels: C, of x.
        num_classes: of the label space.
        noise_dim: Z, even.
        norm: the parameter-free normalisation.

    Source: Tan et al. 2021, "Diverse Semantic Image Synthesis via Probability Distribution Modeling", section 3.2.
    """

    def __init__(self, channels: int, num_classes: int, noise_dim: int, *, norm: NormName = "sync_batch") -> None:
        super().__init__()
        self.norm = build_norm(norm, channels)
        half = noise_dim // 2
        # Plain parameters, since `rescale` and Xavier's gain are for layers of other networks.
        self.noise_weight = nn.Parameter(torch.randn(channels, half) * half**-0.5)
        self.noise_bias = nn.Parameter(torch.zeros(channels))
        self.class_weight = nn.Parameter(torch.rand(num_classes, 2, channels))
        self.class_bias = nn.Parameter(torch.zeros(num_classes, 2, channels))

    def table(self, noise: Tensor, classes: Tensor) -> Tensor:
        """The scales and shifts of each row.

        Args:
            noise: (R, Z) float.
            classes: (R,) int64 in 0..num_classes-1.

        Returns:
            (R, 2 C) of the weights' type, under autocast too: the C gammas and then the C betas.
        """
        with full_precision(self.noise_weight):
            halves = noise.to(self.noise_weight).view(noise.shape[0], 2, -1)  # len() would be a constant in a program
            looks = F.linear(halves, self.noise_weight, self.noise_bias).flatten(1)
            weight, bias = (F.embedding(classes, each.flatten(1)) for each in (self.class_weight, self.class_bias))
            return torch.addcmul(bias, weight, looks)

    def forward(self, x: Tensor, segments: NoisySegments) -> Tensor:
        """Modulate x.

        Args:
            x: (B, C, H, W) float.
            segments: at the size of x.

        Returns:
            (B, C, H, W) float; the backward pass does not read it, so it may be overwritten.
        """
        gamma, beta = segments.paint(self.table(segments.noise, segments.classes).to(x.dtype)).chunk(2, dim=1)
        return torch.addcmul(beta, self.norm(x), gamma)
