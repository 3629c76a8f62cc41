"""What a batch holds of each class, from which the class weights follow."""

from typing import ClassVar, Protocol

import torch
from torch import Tensor


class ClassCounts(Protocol):
    """Counts what a batch holds of each class.

    Attributes:
        reads_condition: whether it reads the encoded label map.
    """

    reads_condition: ClassVar[bool]

    def __call__(self, label: Tensor, condition: Tensor, num_classes: int) -> Tensor:
        """Count.

        Args:
            label: (B, H, W) int64 in 0..num_classes-1.
            condition: (B, K, H, W) float32, the encoded label map.
            num_classes: N.

        Returns:
            (N,) int64 or float32, 0 for absent classes and above 0 for all others.
        """


class LabelCounts:
    """The pixels of each class in the label map, whatever the encoding makes of it.

    Source: Sushko et al. 2021, equation 2.
    """

    reads_condition: ClassVar[bool] = False

    def __call__(self, label: Tensor, condition: Tensor, num_classes: int) -> Tensor:
        """The pixels, (N,) int64; see `ClassCounts`. `condition` is ignored."""
        return count_pixels(label, num_classes)


class EncodedMapCounts:
    """The sum of each class's channel of the encoded map, as the official code counts.

    For one-hot channels these are the pixels. Where the mask of a class holds the number of each instance, the twelfth
    car counts twelve-fold, so that a class of things is taken for more frequent than it is, and weighs less by the mean
    number of its pixels. Included to test what that did to the published attempt.

    Source: the class balancing of the official OASIS, given the masks of the published failed attempt.
    """

    reads_condition: ClassVar[bool] = True

    def __call__(self, label: Tensor, condition: Tensor, num_classes: int) -> Tensor:
        """The sums of the first N channels, (N,) float32; see `ClassCounts`. `label` is ignored."""
        return condition[:, :num_classes].float().sum(dim=(0, 2, 3))


def count_pixels(label: Tensor, num_classes: int) -> Tensor:
    """The number of pixels of each class in a batch.

    Args:
        label: (B, H, W) int64 in 0..num_classes-1.
        num_classes: N.

    Returns:
        (N,) int64.
    """
    flat = label.reshape(-1)
    # Not bincount, which makes the host wait for the GPU.
    return flat.new_zeros(num_classes).scatter_add_(0, flat, torch.ones_like(flat))
