"""Random numbers that belong to one sample, whatever batch or process it comes in."""

from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """What random numbers are drawn for: two purposes never share theirs."""

    ENCODING = 0
    NOISE = 1


def sample_generator(seed: int, position: int, stream: Stream) -> torch.Generator:
    """A generator on the CPU whose numbers depend on these three alone.

    Args:
        seed: 0 or above; another seed, other numbers for all samples.
        position: of the sample in its split.
        stream: what the numbers are for.
    """
    state = np.random.SeedSequence((seed, position, int(stream))).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))
