"""The generator and the noise of sample pictures."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast, runtime_checkable

import torch
from pytorch_lightning import Trainer
from torch import Tensor

from oasis.batch import Batch
from oasis.models import Generator, Style, encodes_style
from oasis.randomness import Stream, sample_generators


@runtime_checkable
class AveragesGenerator(Protocol):
    """A callback that keeps an average of the generator, such as `GeneratorEMA`."""

    def ready_generator(self, trainer: Trainer) -> Generator:
        """The average, ready for generating."""


@contextmanager
def sampling_generator(trainer: Trainer) -> Iterator[Generator]:
    """The averaged generator if the run keeps one, else the trained one; in eval mode, without gradients."""
    averages = [callback for callback in cast(Any, trainer).callbacks if isinstance(callback, AveragesGenerator)]
    trained: Generator = cast(Any, trainer.lightning_module).generator
    generator = averages[0].ready_generator(trainer) if averages else trained
    was_training = generator.training
    generator.eval()
    try:
        with torch.no_grad():
            yield generator
    finally:
        generator.train(was_training)


def fixed_noise(generator: Generator, batch: Batch, seed: int) -> Tensor | None:
    """Noise as a function of seed and sample, independent of device, batch and global random state.

    For a generator with a style per segment it is that of the photos, as in training: clusters to draw from exist only
    after it.

    Args:
        generator: determines Z.
        batch: the samples.
        seed: of the noise.

    Returns:
        (B, Z) float32 on the batch's device, one vector per image; (B, S, Z) for one per segment; (B, Z, H, W) if it is
        the photos' style; None for a generator without noise.
    """
    if generator.noise_dim == 0:
        return None
    if generator.style_per_segment and encodes_style(generator):
        return generator.encode_style(batch.image, batch.segments).mean
    return _drawn(generator, sample_generators(seed, batch.index.tolist(), Stream.NOISE)).to(batch.index.device)


def sources_of(batch: Batch, seed: int, stream: Stream) -> list[torch.Generator] | None:
    """One random generator per image of a training batch; None = torch's global state."""
    return None if batch.positions is None else sample_generators(seed, batch.positions, stream)


def training_noise(generator: Generator, batch: Batch, seed: int, stream: Stream) -> Tensor | None:
    """Noise for a training batch, (B, Z) or (B, S, Z) on its device; None if the generator draws it or takes none."""
    sources = sources_of(batch, seed, stream)
    if sources is None or generator.noise_dim == 0:
        return None
    return _drawn(generator, sources).to(batch.condition.device, non_blocking=True)


def styled(generator: Generator, batch: Batch, noise: Tensor | None) -> tuple[Tensor | None, Style | None]:
    """The noise that a generator is trained with: for one with a style encoder, a noise of the photos' styles.

    Args:
        generator: the network.
        batch: the photos.
        noise: from `training_noise`.

    Returns:
        The noise, and the styles, None without an encoder.
    """
    if not encodes_style(generator):
        return noise, None
    style = generator.encode_style(batch.image, batch.segments)
    return style.sample(noise), style


def _drawn(generator: Generator, sources: Iterable[torch.Generator]) -> Tensor:
    return torch.stack([torch.randn(generator.noise_shape, generator=source) for source in sources])
