"""Further classes of the (N+1) loss: the pixels where instances of one class touch."""

import torch
from torch import Tensor, nn

from oasis.labels import LabelSpace


class BoundaryClasses(nn.Module):
    """Gives the pixels where two instances of one thing class touch a class of their own.

    With them, the discriminator says of a car's pixel that it is at the seam to another car, and the generator has to
    paint one there: a merged pair of cars is misclassified. The i-th thing class, in the order of the indices, has the
    boundary class N + i, behind all classes; in a discriminator's outputs N + 1 + i, since output 0 is fake. Where
    classes are balanced, seams weigh as much in total as any other class that is present.

    Args:
        label_space: defines the N classes and the thing classes.

    Attributes:
        num_classes: N + T.
    """

    things: Tensor
    boundary_class: Tensor

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__()
        count, things = label_space.num_classes, sorted(label_space.things)
        self.num_classes = count + len(things)
        boundary_class = torch.arange(count)
        boundary_class[things] = torch.arange(count, self.num_classes)
        # From the configuration, not learnt.
        self.register_buffer("things", torch.tensor([c in label_space.things for c in range(count)]), persistent=False)
        self.register_buffer("boundary_class", boundary_class, persistent=False)

    def forward(self, label: Tensor, instance: Tensor) -> Tensor:
        """The label map with boundary classes.

        Args:
            label: (B, H, W) int64 in 0..N-1.
            instance: (B, H, W) int64, 0 = no instance.

        Returns:
            (B, H, W) int64 in 0..N+T-1: the boundary class where a neighbour above, below, left or right belongs to
            another instance of the same thing class, on both sides; else `label`. Group regions touch nothing, since
            their instances are not known.

        Source: Guerrero-Pena et al. 2018, of touching cells: a class of its own for the pixels between them.
        """
        instance = instance * self.things[label]
        touching = torch.zeros_like(label, dtype=torch.bool)
        for axis in (1, 2):
            length = label.shape[axis] - 1
            one, other = (_part(label, instance, axis, start, length) for start in (0, 1))
            seam = (one[0] == other[0]) & (one[1] != other[1]) & (one[1] > 0) & (other[1] > 0)
            for start in (0, 1):
                touching.narrow(axis, start, length).logical_or_(seam)
        return torch.where(touching, self.boundary_class[label], label)


def _part(label: Tensor, instance: Tensor, axis: int, start: int, length: int) -> tuple[Tensor, Tensor]:
    """The same part of both maps."""
    return label.narrow(axis, start, length), instance.narrow(axis, start, length)
