"""Random numbers per sample, independent of batch and process."""

from collections.abc import Iterable
from enum import IntEnum

import numpy as np
import torch

from oasis.errors import ConfigurationError

_HIGHEST_SEED = 2**32 - 1  # of NumPy and of Lightning


class Stream(IntEnum):
    """The purpose of random numbers, each with its own stream."""

    ENCODING = 0
    NOISE = 1
    FLIP = 2
    TRAINING_ENCODING = 3
    GENERATOR_NOISE = 4
    DISCRIMINATOR_NOISE = 5
    LABEL_MIX = 6
    CROP = 7
    ROLLED_VIEW = 8


def require_seed(seed: object) -> None:
    """Refuse an invalid seed.

    Raises:
        ConfigurationError: the message names the range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= _HIGHEST_SEED:
        raise ConfigurationError(
            f"seed={'null' if seed is None else seed}: must be a whole number from 0 to {_HIGHEST_SEED}."
        )


def sample_generators(seed: int, positions: Iterable[int], stream: Stream) -> list[torch.Generator]:
    """A `sample_generator` for each sample."""
    return [sample_generator(seed, position, stream) for position in positions]


def sample_generator(seed: int, position: int, stream: Stream) -> torch.Generator:
    """A CPU generator that is a function of these three arguments.

    Args:
        seed: 0 or above.
        position: of the sample in its split, or in the stream of training.
        stream: the purpose of the numbers.
    """
    state = np.random.SeedSequence((seed, position, int(stream))).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))
