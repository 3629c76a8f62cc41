"""Preparing networks for training."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models import Discriminator, Generator, Recomputable
from oasis.objectives import Objective
from oasis.training.compilation import Compiled
from oasis.training.recomputation import recompute_blocks


def prepare_networks(
    generator: Generator,
    discriminator: Discriminator,
    objective: Objective,
    memory_format: torch.memory_format,
    compile: bool,
    recompute: bool,
) -> tuple[Callable[..., Tensor], Callable[..., Any]]:
    """Apply memory format, recomputation and compilation, if enabled.

    Returns:
        The callables of generator and discriminator in training.

    Raises:
        ConfigurationError: settings that exclude each other, or that a network does not support.
    """
    if compile and not objective.single_pass:
        raise ConfigurationError(
            "model.compile=true: the discriminator takes several batches a step, and a compiled one keeps the "
            "singular vectors of one pass for its gradient, which the next pass would overwrite. With "
            "objective=oasis, use objective.joint_pass=true."
        )
    if compile and recompute:
        raise ConfigurationError(
            "model.compile=true with model.recompute=true: a compiled network chooses by itself what to compute "
            "again. Use one of the two."
        )
    _require_matching(objective, discriminator)
    for network in (generator, discriminator):
        network.to(memory_format=memory_format)
        if recompute:
            recompute_blocks(_blocks(network))
    if compile:
        return Compiled(generator, "generator"), Compiled(discriminator, "discriminator")
    return generator.__call__, discriminator.__call__


def _require_matching(objective: Objective, discriminator: Discriminator) -> None:
    """Raise unless the discriminator takes what the objective gives it."""
    image, condition = torch.empty(1, 3, 1, 1), torch.empty(1, 1, 1, 1)
    given = objective.discriminator_inputs(image, condition)
    try:
        inspect.signature(discriminator.forward).bind(*given)
    except TypeError as error:
        raise ConfigurationError(
            f"{type(objective).__name__} does not go with {type(discriminator).__name__}: it gives the discriminator "
            f"{len(given)} inputs ({error}). Take objective= and discriminator= of one model."
        ) from error
    objective.require_heads(discriminator)


def _blocks(network: nn.Module) -> list[nn.Module]:
    if not isinstance(network, Recomputable):
        raise ConfigurationError(
            f"model.recompute=true: {type(network).__name__} names no blocks to recompute (blocks_to_recompute). The "
            "networks of model=oasis do; with others, lower data.batch_size or use trainer=mixed."
        )
    return list(network.blocks_to_recompute())
