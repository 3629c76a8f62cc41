"""Calling a generator on a batch."""

from collections.abc import Callable

from torch import Tensor

from oasis.batch import Batch
from oasis.models.contract import Generator


def generate(
    generator: Generator, batch: Batch, noise: Tensor | None, call: Callable[..., Tensor] | None = None
) -> Tensor:
    """Fakes for a batch: (B, 3, H, W) in [-1, 1].

    Args:
        generator: the network.
        batch: the encoded label maps.
        noise: see `Generator.forward`.
        call: called instead, such as the same network compiled; None = the generator itself.
    """
    call = call or generator
    return call(batch.condition, noise, batch.segments) if generator.needs_segments else call(batch.condition, noise)
