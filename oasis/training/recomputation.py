"""Activation checkpointing: recomputation in the backward pass."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def recompute_blocks(blocks: Iterable[nn.Module]) -> None:
    """Make blocks store only their inputs: a third more compute for a fraction of the memory.

    The recomputation uses the buffers of the first forward pass, and restores the current ones afterwards: spectral
    norms give the same weights, and no BatchNorm update or power iteration happens twice. Blocks must not draw random
    numbers.

    Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".
    """
    for block in blocks:
        cast(Any, block).forward = _Recomputed(block)


class _Recomputed:
    """Replaces the `forward` of one block; an object, so that a deep copy calls the copied block."""

    def __init__(self, block: nn.Module) -> None:
        self.block = block

    def __call__(self, *inputs: Any) -> Any:
        forward = type(self.block).forward
        if not torch.is_grad_enabled():
            return forward(self.block, *inputs)
        return checkpoint(
            forward, self.block, *inputs, use_reentrant=False, preserve_rng_state=False, context_fn=self._contexts
        )

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        buffers = list(self.block.buffers())
        first = [buffer.clone() for buffer in buffers]
        return _as_it_is(), _replayed(buffers, first)


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _replayed(buffers: list[Tensor], values: list[Tensor]) -> Iterator[None]:
    """Context manager that temporarily replaces the values of buffers."""
    now = [buffer.clone() for buffer in buffers]
    try:
        _copy(values, buffers)
        yield
    finally:
        _copy(now, buffers)


@torch.no_grad()
def _copy(sources: list[Tensor], targets: list[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source)
