"""Which generator paints what people look at."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from pytorch_lightning import Trainer
from torch import Tensor

from oasis.models import OASISGenerator
from oasis.randomness import Stream, sample_generator
from oasis.training.base import find_callback, watched
from oasis.training.ema import GeneratorEMA


@contextmanager
def sampling_generator(trainer: Trainer) -> Iterator[OASISGenerator]:
    """The averaged generator if the run keeps one, else the trained one; in eval mode, without gradients."""
    average = find_callback(trainer, GeneratorEMA)
    generator = average.ready_generator(trainer) if average else watched(trainer.lightning_module).generator
    was_training = generator.training
    generator.eval()
    try:
        with torch.no_grad():
            yield generator
    finally:
        generator.train(was_training)


def fixed_noise(generator: OASISGenerator, index: Tensor, seed: int) -> Tensor | None:
    """Noise that depends on a seed and the sample alone, not on the device, the batch or what was drawn before.

    Args:
        generator: which will take it.
        index: (B,) int64, positions of the samples in their split.
        seed: of the noise.

    Returns:
        (B, Z) float32 on the index's device, one vector an image; None for a generator without noise.
    """
    if generator.noise_dim == 0:
        return None
    sources = [sample_generator(seed, position, Stream.NOISE) for position in index.tolist()]
    return torch.cat([generator.sample_noise(1, generator=source) for source in sources]).to(index.device)
