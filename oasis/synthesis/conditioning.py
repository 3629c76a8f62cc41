"""The inputs of a generator for one picture: the encoded map and the noise."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.data.transforms import compact_instances
from oasis.encodings import Encoding
from oasis.models import Generator
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


def noise_of(generator: Generator, noise: Noise, segments: Tensor) -> Tensor | None:
    """The noise input of a generator.

    Args:
        generator: the network.
        noise: the draws, and how they are mixed.
        segments: (1, H, W) int64, see `Generator.forward`.

    Returns:
        (1, Z) if all pixels have the same vector, else (1, Z, H, W); (1, S, Z) for a generator with noise per segment,
        see `segment_noise`. Float32 on the CPU; None for a generator without noise.
    """
    if noise.dim == 0:
        return None
    if generator.noise_per_segment:
        return segment_noise(noise, segments, generator.num_segments)
    height, width = segments.shape[-2:]
    vectors = noise.vectors()
    if len(vectors) == 1:
        return vectors
    return vectors.t().contiguous()[:, torch.from_numpy(noise.rows(height, width))].unsqueeze(0)


def segment_noise(noise: Noise, segments: Tensor, num_segments: int) -> Tensor:
    """One noise vector per segment.

    Each draw gives every segment a vector of its own. They are mixed by the mean weights of the segment's pixels,
    scaled to norm 1, so that a segment that is resampled in part changes by as much.

    Args:
        noise: the draws, and how they are mixed.
        segments: (1, H, W) int64 in 0..S-1.
        num_segments: S.

    Returns:
        (1, S, Z) float32 on the CPU, standard normal.
    """
    number = segments.flatten().cpu()
    rows = torch.from_numpy(noise.rows(*segments.shape[-2:])).flatten()
    pixels = torch.zeros(num_segments, len(noise.weights), dtype=torch.float64)
    pixels.index_put_((number, rows), torch.ones(len(number), dtype=torch.float64), accumulate=True)
    weights = F.normalize(pixels @ torch.from_numpy(noise.weights), dim=1)
    total = torch.zeros(num_segments, noise.dim, dtype=torch.float64)
    for draw, weight in zip(noise.draws, weights.T, strict=True):
        drawn = torch.randn(num_segments, noise.dim, generator=draw.generator(Stream.NOISE))
        total += weight[:, None] * drawn
    return total.float().unsqueeze(0)
