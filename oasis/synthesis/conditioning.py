"""The inputs of a generator for one picture: the encoded map and the noise."""

import numpy as np
import torch
from torch import Tensor

from oasis.data.transforms import compact_instances
from oasis.encodings import Encoding
from oasis.randomness import Stream
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.noise import Noise


def tensors_of(label_map: LabelMap) -> tuple[Tensor, Tensor]:
    """The input of encodings.

    Returns:
        Class indices, and instances numbered 1..N with 0 = none (all 0 if they are unknown): (1, H, W) int64.
    """
    ids = label_map.label if label_map.instance is None else label_map.instance  # plain class ids are not instances
    classes, raw = (torch.from_numpy(each.astype(np.int64)).unsqueeze(0) for each in (label_map.class_indices, ids))
    return classes, compact_instances(raw)


def condition_of(encoding: Encoding, label: Tensor, instance: Tensor, noise: Noise) -> Tensor:
    """Encode one map; random numbers of the encoding are drawn and mixed according to the noise.

    A random encoding encodes the map once for each draw of the noise. If the results differ, each pixel gets its own
    mixture of them, which stays standard normal, since the weights have norm 1. So a resampled instance gets another
    vector from `InstanceNoise`, and so does the resampled half of one.

    Args:
        encoding: in eval mode.
        label: (1, H, W) int64 class indices.
        instance: (1, H, W) int64, 0 = no instance, 1..N.
        noise: the draws, and how they are mixed.

    Returns:
        (1, K, H, W) float32.
    """
    encoded: list[Tensor] = []
    for draw in noise.draws:
        source = draw.generator(Stream.ENCODING)
        before = source.get_state()
        encoded.append(encoding(label, instance, [source]))
        if torch.equal(before, source.get_state()):  # not random, so all would be the same
            return encoded[0]
    if len(encoded) == 1:
        return encoded[0]
    rows = torch.from_numpy(noise.rows(*label.shape[-2:]))
    weights = torch.from_numpy(noise.weights).float()[rows].permute(2, 0, 1).to(label.device)
    differs = torch.zeros_like(encoded[0], dtype=torch.bool)
    mixed = torch.zeros_like(encoded[0])
    for one, weight in zip(encoded, weights, strict=True):
        differs |= one != encoded[0]
        mixed += one * weight
    return torch.where(differs, mixed, encoded[0])


def noise_of(noise: Noise, height: int, width: int) -> Tensor | None:
    """The noise input of a `Generator`.

    Returns:
        (1, Z) if all pixels have the same vector, else (1, Z, height, width), float32 on the CPU; None for a
        generator without noise.
    """
    if noise.dim == 0:
        return None
    vectors = noise.vectors()
    if len(vectors) == 1:
        return vectors
    return vectors.t().contiguous()[:, torch.from_numpy(noise.rows(height, width))].unsqueeze(0)
