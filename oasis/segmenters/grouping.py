"""The grouping of Panoptic-DeepLab: instances from a class map, a heatmap of centres and offsets."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from oasis.errors import ConfigurationError
from oasis.instances import MAX_INSTANCES

_AT_ONCE = 1 << 22  # distances in memory at a time: 16 MiB, for any picture and number of centres


@dataclass(frozen=True)
class Grouping:
    """Finds the centres in a heatmap, and assigns each thing pixel to the one it points at.

    1. A centre is a pixel that is the highest of the window around it and above the threshold. Of equals, the first
       in reading order counts, so that a plateau is one centre. Only the highest ones are kept.
    2. Each thing pixel joins the centre nearest to where it points.
    3. An instance gets the thing class that its pixels vote for, the lowest of equals; all its pixels take that class.
       A pixel votes for its own class, or, if `votes` are given, for each class by its weight.
    4. Instances of fewer pixels than `min_area` are dropped: their pixels keep their class and have no instance, like
       the group regions of Cityscapes.

    Lengths are in picture heights, so that the settings do not depend on the resolution.

    Attributes:
        threshold: least value of the heatmap at a centre, exclusive.
        window: side of the window in which a centre must be the highest, in picture heights; at least 3 pixels.
        min_area: of an instance, in pixels.
        most: number of centres that a picture may have.

    Raises:
        ConfigurationError: a window that is not above 0; `most` outside 1..MAX_INSTANCES.

    The defaults were chosen on 64 synthetic streets that are used for neither training nor scoring.

    Source: Cheng et al. 2020 (Panoptic-DeepLab), section 3.2 and equation 1; steps 3's ties, 4, and lengths in heights
    are this project's own.
    """

    threshold: float = 0.4
    window: float = 1 / 48
    min_area: int = 8
    most: int = 256

    def __post_init__(self) -> None:
        if not self.window > 0:
            raise ConfigurationError(f"window={self.window}: must be above 0; it is a share of the picture's height")
        if not 1 <= self.most <= MAX_INSTANCES:
            raise ConfigurationError(f"most={self.most}: a picture may have 1..{MAX_INSTANCES} instances")

    def __call__(
        self, label: Tensor, center: Tensor, offset: Tensor, things: Tensor, votes: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Group pixels into instances.

        Each picture is grouped independently of the others of its batch.

        Args:
            label: (B, H, W) int64, class indices 0..C-1.
            center: (B, 1, H, W) float, 1 at the centres of instances.
            offset: (B, 2, H, W) float, from each pixel down and right to the centre of its instance, in heights.
            things: (C,) bool, the classes that have instances.
            votes: (B, C, H, W) float, at least 0, such as the probability of each class; None = 1 for the own class.

        Returns:
            The classes, (B, H, W) int64; the instances, (B, H, W) int64: 0 = none, 1..N in each picture, sorted by
            descending height of their centres; and these heights, (B, most N) float: that of instance i at i - 1, and 0
            behind the last one.
        """
        ballots = [None] * len(label) if votes is None else votes
        maps = zip(label, center.float(), offset.float(), ballots, strict=True)
        labels, instances, heights = zip(*(self._group(*one, things) for one in maps), strict=True)
        return torch.stack(labels), torch.stack(instances), pad_sequence(list(heights), batch_first=True)

    def _group(
        self, label: Tensor, center: Tensor, offset: Tensor, votes: Tensor | None, things: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One picture: (H, W), (1, H, W), (2, H, W), (C, H, W), (C,) to (H, W), (H, W) and (N,)."""
        label, instance = label.clone(), torch.zeros_like(label)
        peaks = self._peaks(center[0])
        pixels = things[label].nonzero()  # P, 2
        if len(peaks) == 0 or len(pixels) == 0:
            return label, instance, center.new_zeros(0)
        height = label.shape[0]
        rows, columns = pixels.unbind(1)
        targets = pixels + offset[:, rows, columns].T * height
        number = _nearest(targets, peaks.float())
        count = torch.bincount(number, minlength=len(peaks) + 1)
        if votes is None:
            own_class = _vote(number, F.one_hot(label[rows, columns], len(things)), len(peaks))
        else:
            own_class = _vote(number, votes[:, rows, columns].T * things, len(peaks))
        kept = count >= max(1, self.min_area)
        kept[0] = False
        renumbered = kept.cumsum(0) * kept  # without gaps
        label[rows, columns] = torch.where(kept[number], own_class[number], label[rows, columns])
        instance[rows, columns] = renumbered[number]
        return label, instance, center[0][tuple(peaks.T)][kept[1:]]

    def _peaks(self, heatmap: Tensor) -> Tensor:
        """The centres in a heatmap (H, W): (K, 2) int64 rows and columns, the highest first."""
        height, width = heatmap.shape
        radius = max(1, round(self.window * height / 2))
        _, highest = F.max_pool2d(heatmap[None], 2 * radius + 1, stride=1, padding=radius, return_indices=True)
        own = torch.arange(height * width, device=heatmap.device)
        flat = heatmap.flatten()
        found = own[(highest.flatten() == own) & (flat > self.threshold)]
        best = found[flat[found].argsort(descending=True, stable=True)[: self.most]]
        return torch.stack([best // width, best % width], dim=1)


def _nearest(targets: Tensor, peaks: Tensor) -> Tensor:
    """Points (P, 2) and centres (K, 2), in pixels, to the number 1..K of each point's nearest centre."""
    numbers = []
    for some in torch.split(targets, max(1, _AT_ONCE // len(peaks))):
        squares = (some[:, None, 0] - peaks[:, 0]).square() + (some[:, None, 1] - peaks[:, 1]).square()
        numbers.append(squares.argmin(dim=1) + 1)
    return torch.cat(numbers)


def _vote(number: Tensor, votes: Tensor, instances: int) -> Tensor:
    """Members (P,) of instances 1..K and their votes (P, C) to the class of instances 0..K, (K + 1,) int64."""
    return votes.new_zeros(instances + 1, votes.shape[1]).index_add_(0, number, votes).argmax(dim=1)
