"""Geometry of instances, for encodings and losses.

Everything is vectorised over batch and instances, works on any device and never makes the host wait: tables have a
fixed number of rows, independent of the number of instances. Instance 0 means "no instance".
"""

import math

import torch
from torch import Tensor

from oasis.errors import ConfigurationError

MAX_INSTANCES = 1023  # the highest instance number an image may have; the most in Cityscapes is 50


def areas(instance: Tensor) -> Tensor:
    """The number of pixels of each instance.

    Args:
        instance: (B, H, W) int64 in 0..MAX_INSTANCES, 0 = no instance.

    Returns:
        (B, MAX_INSTANCES + 1) int64, 0 for absent numbers and for row 0.
    """
    return _sum_by_instance(instance, torch.ones_like(instance))


def centers(instance: Tensor) -> Tensor:
    """The centre of mass of each instance.

    Args:
        instance: (B, H, W) int64 in 0..MAX_INSTANCES, 0 = no instance.

    Returns:
        (B, MAX_INSTANCES + 1, 2) float32, the mean (y, x) in pixels; 0 for absent numbers and for row 0.
    """
    sums = torch.stack([_sum_by_instance(instance, axis) for axis in _axes(instance)], dim=2)
    # Summed as integers, so exact in any order; float64 avoids a second rounding of the quotient.
    return (sums.double() / areas(instance).clamp(min=1).unsqueeze(2)).float()


def center_offsets(instance: Tensor) -> Tensor:
    """The offset from each pixel to the centre of its own instance.

    Args:
        instance: (B, H, W) int64 in 0..MAX_INSTANCES, 0 = no instance.

    Returns:
        (B, 2, H, W) float32, (dy, dx) in pixels; 0 where there is no instance.

    Source: Cheng et al. 2020 (Panoptic-DeepLab), section 3.2.
    """
    table = centers(instance)
    flat = instance.flatten(1)
    offsets = [
        table[:, :, i].gather(1, flat).view(instance.shape).sub_(axis).mul_(instance > 0)
        for i, axis in enumerate(_axes(instance))
    ]
    return torch.stack(offsets, dim=1)


def center_heatmap(instance: Tensor, sigma: float) -> Tensor:
    """A Gaussian peak on the centre of each instance, the maximum where several overlap.

    The peak is exactly 1, on the pixel with the centre. A centre halfway between pixels peaks on both, so that a
    mirrored map has the mirrored heatmap.

    Args:
        instance: (B, H, W) int64 in 0..MAX_INSTANCES, 0 = no instance.
        sigma: standard deviation in pixels, above 0.

    Returns:
        (B, 1, H, W) float32 in [0, 1]: exp(-d^2 / (2 sigma^2)) of the distance d to the nearest peak, 0 where d is
        above 3 sigma or there is none.

    Raises:
        ConfigurationError: if sigma is not above 0 and finite.

    Source: Cheng et al. 2020 (Panoptic-DeepLab), section 3.2.
    """
    if not 0 < sigma < math.inf:
        raise ConfigurationError(f"sigma={sigma}: the width of a centre's peak, in pixels, must be above 0")
    radius = int(3 * sigma)
    _, height, width = instance.shape
    vertical = _squared_distance_in_column(instance, min(radius, height - 1))
    # The square of the distance is a sum, so the nearest peak is found along one axis after the other.
    nearest = vertical.clone()
    for shift in range(1, min(radius, width - 1) + 1):
        shifted = vertical + shift**2
        for left, right in (
            (nearest[:, :, shift:], shifted[:, :, :-shift]),
            (nearest[:, :, :-shift], shifted[:, :, shift:]),
        ):
            torch.minimum(left, right, out=left)
    heatmap = torch.exp(nearest / (-2 * sigma**2)).mul_(nearest <= (3 * sigma) ** 2)
    return heatmap.unsqueeze(1)


def boundaries(label: Tensor, instance: Tensor) -> Tensor:
    """The pixels with a neighbour above, below, left or right in another segment.

    A segment is a class and an instance; both sides of a boundary are marked, the border of the picture is not.

    Args:
        label: (B, H, W) int64, class indices.
        instance: (B, H, W) int64 in 0..MAX_INSTANCES, 0 = no instance.

    Returns:
        (B, 1, H, W) float32 of 0 and 1.

    Source: Wang et al. 2018 (pix2pixHD), section 3.3.
    """
    segment = label * (MAX_INSTANCES + 1) + instance
    rows = segment[:, 1:] != segment[:, :-1]
    columns = segment[:, :, 1:] != segment[:, :, :-1]
    found = torch.zeros_like(segment, dtype=torch.bool)
    found[:, 1:] |= rows
    found[:, :-1] |= rows
    found[:, :, 1:] |= columns
    found[:, :, :-1] |= columns
    return found.unsqueeze(1).float()


def count_segments(num_classes: int) -> int:
    """S, one above the highest number that `segment_ids` gives."""
    return num_classes + MAX_INSTANCES + 1


def segment_ids(label: Tensor, instance: Tensor, num_classes: int) -> Tensor:
    """One number for each segment: the class where there is no instance, else one per instance.

    Args:
        label: (B, H, W) int64, class indices 0..num_classes-1.
        instance: (B, H, W) int64 in 0..MAX_INSTANCES, 0 = no instance.
        num_classes: C.

    Returns:
        (B, H, W) int64: class c, or C + k for instance k; below `count_segments(C)`.
    """
    return torch.where(instance > 0, instance + num_classes, label)


def rows_needed(count: Tensor, most: int) -> int:
    """How many rows a table needs, if the host can read it without waiting; else as many as it may ever need.

    Args:
        count: (B,) int64, how many rows each image needs.
        most: that an image may need.
    """
    if count.device.type != "cpu" or torch.compiler.is_compiling():
        return most
    return int(count.max())


def class_by_number(label: Tensor, number: Tensor, count: int, absent: int = 0) -> Tensor:
    """The class of each numbered part of an image.

    Args:
        label: (B, H, W) int64, class indices, the same in all pixels of a part; else the highest one counts.
        number: (B, H, W) int64 in 0..count-1.
        count: N, of numbers that an image may have.
        absent: the value of numbers without pixels, at most 0.

    Returns:
        (B, N) int64.
    """
    table = number.new_full((number.shape[0], count), absent)  # not len(), which a program would take for a constant
    return table.scatter_reduce(1, number.flatten(1), label.flatten(1), "amax")


def mean_by_number(features: Tensor, number: Tensor, count: int) -> Tensor:
    """The mean of features over the pixels of each numbered part of an image.

    Args:
        features: (B, D, H, W) of any floating-point type.
        number: (B, H, W) int64 in 0..count-1.
        count: N, of numbers that an image may have.

    Returns:
        (B, N, D), at least float32: bfloat16 counts no further than to 256. 0 for numbers without pixels.

    Source: Wang et al. 2018 (pix2pixHD), section 3.4, "instance-wise average pooling".
    """
    batch, channels = features.shape[:2]
    first = torch.arange(0, batch * count, count, device=number.device)
    row = (number.flatten(1) + first[:, None]).flatten()
    kind = torch.promote_types(features.dtype, torch.float32)
    values = features.to(kind).permute(0, 2, 3, 1).reshape(-1, channels)
    sums = values.new_zeros(batch * count, channels).index_add(0, row, values)
    counts = values.new_zeros(batch * count).index_add(0, row, torch.ones_like(values[:, 0]))
    return (sums / counts.clamp(min=1)[:, None]).view(batch, count, channels)


def _axes(instance: Tensor) -> tuple[Tensor, Tensor]:
    """Every pixel's y and x, each (B, H, W) int64, expanded views."""
    _, height, width = instance.shape
    y = torch.arange(height, device=instance.device).view(-1, 1).expand_as(instance)
    return y, torch.arange(width, device=instance.device).expand_as(instance)


def _sum_by_instance(instance: Tensor, value: Tensor) -> Tensor:
    """Sum (B, H, W) int64 values by instance: (B, MAX_INSTANCES + 1); row 0 is 0."""
    sums = value.new_zeros(instance.shape[0], MAX_INSTANCES + 1)
    sums.scatter_add_(1, instance.flatten(1), value.flatten(1))
    sums[:, 0] = 0
    return sums


def _squared_distance_in_column(instance: Tensor, radius: int) -> Tensor:
    """The squared distance to the nearest peak in the same column: (B, H, W) float32, inf where beyond the radius."""
    batch, height, width = instance.shape
    count = areas(instance).unsqueeze(2)
    sums = torch.stack([_sum_by_instance(instance, axis) for axis in _axes(instance)], dim=2)
    # The pixel that contains the centre, by exact integers; the two differ if the centre is halfway between pixels.
    twice = 2 * count.clamp(min=1)
    low = -((count - 2 * sums).div(twice, rounding_mode="floor"))
    high = (count + 2 * sums).div(twice, rounding_mode="floor")
    steps = torch.arange(-radius, radius + 2, device=instance.device)
    rows = low[:, :, :1] + steps
    # Steps below 0 start from the lower of the two pixels, steps above 0 from the higher, which is at most one further.
    distance = torch.maximum(-steps, rows - high[:, :, :1]).clamp(min=0)
    reached = (count > 0) & (rows >= 0) & (rows < height) & (distance <= radius)
    squared = torch.where(reached, distance.square().float(), torch.inf).flatten(1)
    nearest = torch.full((batch, height * width), torch.inf, dtype=torch.float32, device=instance.device)
    for column in (low[:, :, 1:], high[:, :, 1:]):
        index = rows.clamp(0, height - 1) * width + column
        nearest.scatter_reduce_(1, index.flatten(1), squared, "amin")
    return nearest.view(instance.shape)
