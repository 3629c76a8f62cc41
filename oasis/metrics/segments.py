"""Matching the segments of two panoptic label maps."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from oasis.errors import MetricError
from oasis.metrics.scored_classes import ScoredClasses, same_shape

_HIGHEST = 65535  # raw instance ids are 16-bit; bounds the size of tables


@dataclass(frozen=True)
class Segments:
    """The segments of one map: a class of stuff, or one instance of a class of things.

    Attributes:
        of_pixel: (H, W) int64 in 0..S-1, the segment of each pixel.
        label: (S,) int64 in 0..K, the segment's class; K = void.
        instance: (S,) int64, 0 = none: stuff, void, and things without instances.
        area: (S,) int64, pixels, at least 1.
    """

    of_pixel: Tensor
    label: Tensor
    instance: Tensor
    area: Tensor

    @classmethod
    def find(cls, label: Tensor, instance: Tensor, is_thing: Tensor) -> "Segments":
        """Number the segments of a map.

        Args:
            label: (H, W) int64 in 0..K.
            instance: (H, W) int64, at least 0; ignored outside of things.
            is_thing: (K+1,) bool, False for void.

        Returns:
            The segments, by class and then instance.

        Raises:
            MetricError: an instance number is outside 0..65535.
        """
        lowest, highest = (int(value) for value in torch.aminmax(instance))
        if lowest < 0 or highest > _HIGHEST:
            raise MetricError(
                f"instance {lowest if lowest < 0 else highest}: number the instances of an image from 1 on "
                f"(0 is none, {_HIGHEST} the highest)"
            )
        stride = highest + 1
        key = label * stride + instance * is_thing[label]
        # Counting into a table of all possible keys takes a tenth of the time of sorting the pixels.
        area = torch.bincount(key.flatten(), minlength=len(is_thing) * stride)
        keys = area.nonzero().squeeze(1)
        position = torch.zeros_like(area)
        position[keys] = torch.arange(len(keys), device=keys.device)
        return cls(position[key], keys // stride, keys % stride, area[keys])

    @cached_property
    def boxes(self) -> Tensor:
        """(S, 4) int64: left, top, width and height of each segment's bounding box, in pixels."""
        sides = []
        for axis, size in enumerate(self.of_pixel.shape):
            place = torch.arange(size, device=self.of_pixel.device).view(*(-1 if axis == i else 1 for i in range(2)))
            covered = torch.zeros(len(self.label), size, dtype=torch.int64, device=self.of_pixel.device)
            covered[self.of_pixel, place] = 1
            first, last = covered.argmax(1), size - covered.flip(1).argmax(1)
            sides.append((first, last - first))
        (top, height), (left, width) = sides
        return torch.stack([left, top, width, height], dim=1)

    @cached_property
    def touching(self) -> Tensor:
        """(S,) bool: the instances with a pixel beside, above or below another instance of their class."""
        found = torch.zeros_like(self.label, dtype=torch.bool)
        number = self.of_pixel
        for one, other in ((number[1:], number[:-1]), (number[:, 1:], number[:, :-1])):
            border = one != other  # only few pixels
            here, there = one[border], other[border]
            both = (self.label[here] == self.label[there]) & (self.instance[here] > 0) & (self.instance[there] > 0)
            found[here[both]] = True
            found[there[both]] = True
        return found


@dataclass(frozen=True)
class Matching:
    """Matched, missed and wrong segments.

    Attributes:
        target: T segments.
        predicted: P segments.
        overlap: (T, P) int64, common pixels.
        iou: (T,) float64, of the matched pair, or 0.
        missed: (T,) bool, false negatives.
        wrong: (P,) bool, false positives.
    """

    target: Segments
    predicted: Segments
    overlap: Tensor
    iou: Tensor
    missed: Tensor
    wrong: Tensor

    @property
    def found(self) -> Tensor:
        """(T,) bool, true positives."""
        return self.iou > 0


def match_all(
    classes: ScoredClasses,
    predicted_label: Tensor,
    predicted_instance: Tensor,
    target_label: Tensor,
    target_instance: Tensor,
) -> list[Matching]:
    """Match the segments of each image of a batch; see `match`.

    Args:
        classes: the scored classes.
        predicted_label: (B, H, W) int64 in 0..K, see `ScoredClasses.lookup`; K = void.
        predicted_instance: (B, H, W) int64, 0 = none: void, in things. Ignored outside of things.
        target_label: (B, H, W) int64 in 0..K, likewise.
        target_instance: (B, H, W) int64, 0 = none: a group, in things. Ignored outside of things.

    Raises:
        MetricError: the maps have different shapes, classes outside 0..K, or instance numbers outside 0..65535.
    """
    classes.check(predicted_label=predicted_label, target_label=target_label)
    same_shape(predicted_label=predicted_label, predicted_instance=predicted_instance, target_instance=target_instance)
    is_thing = classes.is_thing.to(target_label.device)
    maps = zip(predicted_label, predicted_instance, target_label, target_instance, strict=True)
    return [match(*image, is_thing) for image in maps]


def match(
    predicted_label: Tensor, predicted_instance: Tensor, target_label: Tensor, target_instance: Tensor, is_thing: Tensor
) -> Matching:
    """Match the segments of two maps.

    A pair matches if the classes are the same and the IoU is above 0.5, with target void excluded from the union; no
    segment can be in two such pairs. A thing without an instance is a group (crowd) in the target: nothing matches it
    and it is not missed. In the prediction it is void. Predicted segments of which more than half lies in target void
    or in the group of their own class are not wrong.

    Args:
        predicted_label: (H, W) int64 in 0..K, K = void.
        predicted_instance: (H, W) int64, 0 = none.
        target_label: (H, W) int64 in 0..K.
        target_instance: (H, W) int64, 0 = none.
        is_thing: (K+1,) bool, False for void.

    Returns:
        The matching.

    Raises:
        MetricError: an instance number is outside 0..65535.

    Source: Kirillov et al. 2019 (Panoptic Segmentation), section 4; `evalPanopticSemanticLabeling` of
    cityscapesscripts.
    """
    void = len(is_thing) - 1
    nothing = is_thing[predicted_label] & (predicted_instance == 0)
    predicted = Segments.find(predicted_label.masked_fill(nothing, void), predicted_instance, is_thing)
    target = Segments.find(target_label, target_instance, is_thing)

    rows, columns = len(target.label), len(predicted.label)
    pair = target.of_pixel * columns + predicted.of_pixel
    overlap = torch.bincount(pair.flatten(), minlength=rows * columns).view(rows, columns)

    in_void = overlap[target.label == void].sum(0)
    crowd = is_thing[target.label] & (target.instance == 0)
    same = target.label.unsqueeze(1) == predicted.label
    countable = ~crowd & (target.label != void)
    union = target.area.unsqueeze(1) + predicted.area - overlap - in_void
    iou = overlap.double() / union
    matches = same & countable.unsqueeze(1) & (iou > 0.5)

    ignored = in_void + (overlap * (same & crowd.unsqueeze(1))).sum(0)
    excused = ignored.double() / predicted.area > 0.5
    return Matching(
        target,
        predicted,
        overlap,
        iou=torch.where(matches, iou, 0.0).sum(1),
        missed=countable & ~matches.any(1),
        wrong=(predicted.label != void) & ~matches.any(0) & ~excused,
    )
