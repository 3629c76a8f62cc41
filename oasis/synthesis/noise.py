"""The random numbers of one picture, and how to change parts of them."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oasis.data.files import reading
from oasis.errors import ConfigurationError
from oasis.randomness import Stream, sample_generator

_N = TypeVar("_N", bound="Noise")


class Draw(NamedTuple):
    """One draw of all random numbers.

    seed: 0 or above; again: 0 = the first draw of a picture, 1 = drawn again for a part of it, so that resampling with
    the seed of the picture itself changes it too.
    """

    seed: int
    again: int

    def generator(self, stream: Stream) -> torch.Generator:
        """A new generator for one purpose, always in the same state."""
        return sample_generator(self.seed, self.again, stream)


@dataclass(frozen=True, eq=False)
class Noise:
    """The random numbers of each pixel.

    Noise consists of independent draws, rows of weights that mix them, and the row of each pixel. Each row has norm 1,
    so that mixtures of standard normal numbers are standard normal again. Random encodings, such as one vector per
    instance, use the same draws and weights: see `Synthesizer`.

    Create one with `draw`, and others from it with `resampled` and `mixed`; it is immutable.

    Attributes:
        dim: Z, length of the generator's noise vectors; 0 for a generator without noise.
        draws: D different draws.
        weights: (V, D) float64, at least 0, rows of norm 1.
        index: (H, W) int64 in 0..V-1, the row of each pixel; (1, 1) if all pixels have the same.
    """

    dim: int
    draws: tuple[Draw, ...]
    weights: NDArray[np.float64]
    index: NDArray[np.int64]

    @classmethod
    def draw(cls, dim: int, seed: int) -> Self:
        """The same vector everywhere.

        Args:
            dim: Z.
            seed: 0 or above.

        Raises:
            ConfigurationError: a negative seed.
        """
        return cls(dim, (Draw(_checked(seed), 0),), np.ones((1, 1)), np.zeros((1, 1), np.int64))

    def resampled(self, where: NDArray[np.bool_], seed: int) -> Self:
        """Another vector inside a mask, and the rest unchanged.

        Args:
            where: (H, W) bool, of any size; a mask of the label map is aligned with it exactly. If it and earlier masks
                have different sizes, each axis takes the larger one.
            seed: 0 or above, of the new vector.

        Raises:
            ConfigurationError: a negative seed, or an invalid mask.
        """
        if where.ndim != 2 or where.dtype != np.bool_ or where.size == 0:
            raise ConfigurationError(
                f"resampled: a mask of shape {where.shape} and {where.dtype}; it must be (H, W) and bool, such as "
                "label_map.class_mask('car')."
            )
        height, width = (max(ours, theirs) for ours, theirs in zip(self.index.shape, where.shape, strict=True))
        index = reading.nearest(self.index, height, width)
        draws, ours = _with_draw(self.draws, self.weights, Draw(_checked(seed), 1))
        new = np.zeros((1, len(draws)))
        new[0, draws.index(Draw(seed, 1))] = 1
        index = np.where(reading.nearest(where, height, width), len(ours), index)
        return _tidied(type(self)(self.dim, draws, np.concatenate([ours, new]), index))

    def mixed(self, other: "Noise", share: float) -> Self:
        """Spherical interpolation, pixel by pixel, which preserves variance 1.

        Pixels with the same noise in both keep it.

        Args:
            other: of the same dim.
            share: of the other in [0, 1]; 0 = self, 1 = other.

        Raises:
            ConfigurationError: another dim, or a share outside [0, 1].

        Source: Shoemake 1985, "Animating Rotation with Quaternion Curves" (slerp).
        """
        if not 0 <= share <= 1:
            raise ConfigurationError(f"mixed: share={share}; it must be in [0, 1], 0 = all self, 1 = all other.")
        if self.dim != other.dim:
            raise ConfigurationError(f"mixed: noise of {self.dim} numbers with noise of {other.dim} does not go.")
        height, width = (max(a, b) for a, b in zip(self.index.shape, other.index.shape, strict=True))
        draws = tuple(dict.fromkeys(self.draws + other.draws))
        ours, theirs = _spread(self.weights, self.draws, draws), _spread(other.weights, other.draws, draws)
        pairs = reading.nearest(self.index, height, width) * len(theirs) + reading.nearest(other.index, height, width)
        present, index = np.unique(pairs, return_inverse=True)
        a, b = np.divmod(present, len(theirs))
        weights = _slerp(ours[a], theirs[b], share)
        return _tidied(type(self)(self.dim, draws, weights, index.reshape(pairs.shape).astype(np.int64)))

    def vectors(self) -> Tensor:
        """The generator's noise vectors, (V, Z) float32, one for each row of `weights`."""
        drawn = [torch.randn(1, self.dim, generator=draw.generator(Stream.NOISE)).double() for draw in self.draws]
        # Summed one by one: a weight of 1 among zeros gives exactly the drawn numbers.
        rows = torch.from_numpy(self.weights)
        total = torch.zeros(len(rows), self.dim, dtype=torch.float64)
        for position, numbers in enumerate(drawn):
            total += rows[:, position : position + 1] * numbers
        return total.float()

    def rows(self, height: int, width: int) -> NDArray[np.int64]:
        """(height, width) int64: the row of `weights` and `vectors` of each pixel at this size."""
        return reading.nearest(self.index, height, width)


def _checked(seed: int) -> int:
    if seed < 0:
        raise ConfigurationError(f"seed={seed}: a seed is 0 or above.")
    return seed


def _with_draw(
    draws: tuple[Draw, ...], weights: NDArray[np.float64], draw: Draw
) -> tuple[tuple[Draw, ...], NDArray[np.float64]]:
    if draw in draws:
        return draws, weights
    return (*draws, draw), _spread(weights, draws, (*draws, draw))


def _spread(weights: NDArray[np.float64], draws: tuple[Draw, ...], onto: tuple[Draw, ...]) -> NDArray[np.float64]:
    """The same weights for more draws: (V, len(draws)) to (V, len(onto))."""
    wider = np.zeros((len(weights), len(onto)))
    wider[:, [onto.index(draw) for draw in draws]] = weights
    return wider


def _slerp(a: NDArray[np.float64], b: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Interpolate rows of norm 1, (V, D) each. Weights are at least 0, so no two rows are opposite."""
    if share in (0, 1):
        return b if share else a
    cosine = np.clip((a * b).sum(axis=1, keepdims=True), 0, 1)
    angle = np.arccos(cosine)
    near = angle < 1e-7  # equal: nothing to mix
    safe = np.where(near, 1, angle)
    mixture = (np.sin((1 - share) * safe) * a + np.sin(share * safe) * b) / np.sin(safe)
    return np.where(near, a, mixture)


def _tidied(noise: _N) -> _N:
    """The same noise without unused rows and draws."""
    used, index = np.unique(noise.index, return_inverse=True)
    weights = noise.weights[used]
    needed = np.flatnonzero((weights > 0).any(axis=0))
    draws = tuple(noise.draws[i] for i in needed.tolist())
    shape = noise.index.shape if len(used) > 1 else (1, 1)
    rows = index.reshape(-1)[: math.prod(shape)].reshape(shape).astype(np.int64)
    return replace(noise, draws=draws, weights=weights[:, needed], index=rows)
