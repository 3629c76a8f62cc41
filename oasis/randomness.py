"""Random numbers that belong to one sample, whatever batch or process it comes in."""

from collections.abc import Iterable
from enum import IntEnum

import numpy as np
import torch

from oasis.errors import ConfigurationError

_HIGHEST_SEED = 2**32 - 1  # of NumPy and of Lightning


class Stream(IntEnum):
    """What random numbers are drawn for: two purposes never share theirs."""

    ENCODING = 0
    NOISE = 1
    FLIP = 2
    TRAINING_ENCODING = 3
    GENERATOR_NOISE = 4
    DISCRIMINATOR_NOISE = 5
    LABEL_MIX = 6


def require_seed(seed: object) -> None:
    """Refuse what cannot seed all random number generators.

    Raises:
        ConfigurationError: with the range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= _HIGHEST_SEED:
        raise ConfigurationError(
            f"seed={'null' if seed is None else seed}: must be a whole number from 0 to {_HIGHEST_SEED}."
        )


def sample_generators(seed: int, positions: Iterable[int], stream: Stream) -> list[torch.Generator]:
    """A `sample_generator` for each sample."""
    return [sample_generator(seed, position, stream) for position in positions]


def sample_generator(seed: int, position: int, stream: Stream) -> torch.Generator:
    """A generator on the CPU whose numbers depend on these three alone.

    Args:
        seed: 0 or above; another seed, other numbers for all samples.
        position: of the sample in its split, or in the stream of training.
        stream: what the numbers are for.
    """
    state = np.random.SeedSequence((seed, position, int(stream))).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))
