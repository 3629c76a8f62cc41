"""Transforms of a batch of integers on the device, before it is encoded."""

import torch
from torch import Tensor

from oasis.label_files import INSTANCES_PER_CLASS, RAW_INSTANCES


def to_unit_range(image: Tensor) -> Tensor:
    """Convert bytes to the range of the networks.

    Args:
        image: (B, 3, H, W) uint8.

    Returns:
        (B, 3, H, W) float32 in [-1, 1].
    """
    return image.float().div_(127.5).sub_(1.0)


def compact_instances(raw: Tensor) -> Tensor:
    """Number the instances of each image 1..N, in the order of their raw ids.

    Raw ids below 1000 are plain class ids: stuff, and group regions where annotators could not tell
    instances apart. Both become 0. No host-device synchronisation, no loop over instances.

    Args:
        raw: (B, H, W) integer tensor of raw instance ids, 0..256999.

    Returns:
        (B, H, W) int64, 0 = no instance.
    """
    flat = raw.reshape(raw.shape[0], -1).long()
    present = torch.zeros(raw.shape[0], RAW_INSTANCES, dtype=torch.int32, device=raw.device)
    present.scatter_(1, flat, 1)
    present[:, :INSTANCES_PER_CLASS] = 0
    number = present.cumsum(1, dtype=torch.int32) * present
    return number.gather(1, flat).long().reshape(raw.shape)


def flip_some(flip: Tensor, *maps: Tensor) -> tuple[Tensor, ...]:
    """Mirror the chosen samples left to right in every map.

    Args:
        flip: (B,) bool, which samples.
        maps: tensors of shape (B, ..., W).

    Returns:
        The maps in the same order, shapes and dtypes.
    """
    return tuple(torch.where(flip.view(-1, *[1] * (m.dim() - 1)), m.flip(-1), m) for m in maps)
